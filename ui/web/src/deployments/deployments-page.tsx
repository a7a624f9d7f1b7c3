import { Button } from '@mantine/core'
import { useMemo, useState } from 'react'
import { may } from '../access/grants'
import { useSession } from '../access/use-session'
import { useFetch } from '../api/use-fetch'
import { usePages } from '../api/use-pages'
import { Rollback } from '../function/rollback'
import { deployments } from '../live/topics'
import { useNow, useTopic } from '../live/use-live'
import { Link } from '../parts/link'
import { Loading, Notice, Reading } from '../parts/notice'
import { Older } from '../parts/older'
import table from '../parts/table.module.css'
import { Ago, Clock } from '../parts/time'
import { useParam } from '../router'
import type { Deployment, List, Weight } from '../wire.gen'
import { endWords, fits, MOST } from './list'
import { merged, underWay } from './rollout'
import styles from './rollout.module.css'
import { RolloutPanel, RolloutState } from './rollout-panel'
import { standing } from './standing'

const WORDS: Record<string, string> = {
  registered: 'registered',
  deployed: 'deployed',
  rolled_back: 'rolled back',
  repointed: 'repointed',
  deleted: 'deleted',
  rollout: 'deployment',
}

/** What changed, when, and by whom: newest first, as it happens. */
export default function DeploymentsPage() {
  const topic = useTopic(deployments)
  const now = useNow()
  const [text] = useParam('q')
  // The topic holds the last changes; one that waits for somebody may be older.
  const waiting = useFetch<List<Deployment>>('/api/v1/deployments?active=true', 30_000)
  const active = useMemo(() => underWay(merged(waiting.data?.items ?? [], topic.items)), [waiting.data, topic.items])
  const pages = usePages<Deployment>('/api/v1/deployments?limit=100', (d) => d.id)
  const all = useMemo(() => merged(pages.items, topic.items).sort((a, b) => b.id - a.id), [pages.items, topic.items])
  const fitting = useMemo(() => fits(all, text), [all, text])
  const rows = fitting.slice(0, MOST)
  const session = useSession()
  const back = useMemo(() => standing(all), [all])
  const [asked, setAsked] = useState<Deployment | null>(null)
  return (
    <div className={`${table.page} live-data`}>
      <h1>Deployments</h1>
      {topic.error && (
        <Notice title="The deployments could not be read" tone="bad">
          {topic.error.detail}
        </Notice>
      )}
      {!topic.error && topic.syncing && all.length === 0 && <Loading what="deployments" />}
      {!topic.error && !topic.syncing && rows.length === 0 && (
        <Notice title={all.length > 0 ? 'No deployment fits' : 'Nothing was deployed yet'}>
          Each change of what is live appears here, with its author.
        </Notice>
      )}
      {waiting.error && <Reading what="the deployments under way" of={waiting} now={now} />}
      {active.length > 0 && (
        <section className={styles.under} aria-label="Under way">
          {active.map((r) => (
            <RolloutPanel key={r.id} rollout={r} now={now} named />
          ))}
        </section>
      )}
      {rows.length > 0 && (
        <table className={table.table}>
          <thead>
            <tr>
              <th>when</th>
              <th>what</th>
              <th>function</th>
              <th>versions</th>
              <th>by</th>
              <th>message</th>
              <th aria-label="undo" />
            </tr>
          </thead>
          <tbody>
            {rows.map((d) => (
              <Row
                key={d.id}
                deployment={d}
                now={now}
                onBack={back.has(d.id) && may(session, 'deploy', d.function) ? () => setAsked(d) : undefined}
              />
            ))}
          </tbody>
        </table>
      )}
      {all.length > 0 && (
        <p className={table.quiet} data-end>
          {endWords({ read: all.length, fitting: fitting.length, searched: text.trim() !== '', more: pages.more !== null })}{' '}
          <Link to="/audit">Audit</Link> finds changes of everything by function, team, author and time.
        </p>
      )}
      {pages.first.error && <Reading what="the older changes" of={pages.first} now={now} />}
      {all.length < MOST && <Older pages={pages} what="Older changes" />}
      {asked && <Rollback name={asked.function} current={asked.to.filter((w) => w.weight > 0)} onClose={() => setAsked(null)} />}
    </div>
  )
}

interface RowProps {
  deployment: Deployment
  now: number
  /** Asks to roll its function back; not there where it says nothing of what is live. */
  onBack?: () => void
}

function Row({ deployment: d, now, onBack }: RowProps) {
  return (
    <tr data-deployment={d.id}>
      <td className={table.tight}>
        <Clock at={d.time} now={now} />{' '}
        <span className={table.quiet}>
          <Ago at={d.time} now={now} />
        </span>
      </td>
      <td className={table.tight}>
        {WORDS[d.kind] ?? d.kind}
        {d.rollout && (
          <>
            {' '}
            <RolloutState state={d.rollout.state} />
          </>
        )}
      </td>
      <td className={table.name}>
        <Link to={`/f/${d.function}`} className={table.leaf} title={d.function}>
          {d.function}
        </Link>
      </td>
      <td className={table.tight}>{change(d)}</td>
      <td className={table.tight}>{d.author}</td>
      <td className={`${table.whole} ${table.quiet}`}>{d.rollout ? d.rollout.reason : d.message}</td>
      <td className={table.tight}>
        {onBack && (
          <Button size="compact-xs" variant="default" onClick={onBack} aria-label={`Roll back ${d.function}…`}>
            Roll back…
          </Button>
        )}
      </td>
    </tr>
  )
}

function change(d: Deployment): string {
  const from = weights(d.from)
  const to = weights(d.to)
  if (!to) return from && `${from} →`
  return from && from !== to ? `${from} → ${to}` : to
}

function weights(list: readonly Weight[]): string {
  const some = list.filter((w) => w.weight > 0)
  if (some.length === 1) return `@${some[0]?.version}`
  const sum = some.reduce((n, w) => n + w.weight, 0)
  return some.map((w) => `@${w.version} ${Math.round((100 * w.weight) / sum)}`).join(' · ')
}
