import { useMemo } from 'react'
import { useFetch } from '../api/use-fetch'
import { deployments } from '../live/topics'
import { useNow, useTopic } from '../live/use-live'
import { Link } from '../parts/link'
import { Loading, Notice } from '../parts/notice'
import table from '../parts/table.module.css'
import { Ago, Clock } from '../parts/time'
import { useParam } from '../router'
import type { Deployment, List, Weight } from '../wire.gen'
import { merged, underWay } from './rollout'
import styles from './rollout.module.css'
import { RolloutPanel, RolloutState } from './rollout-panel'

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
  const rows = useMemo(() => {
    const words = text.toLowerCase().split(/\s+/).filter(Boolean)
    return [...topic.items.values()]
      .filter((d) => words.every((w) => `${d.function} ${d.author} ${d.message ?? ''} ${d.kind}`.toLowerCase().includes(w)))
      .sort((a, b) => b.id - a.id)
      .slice(0, 500)
  }, [topic.items, text])
  return (
    <div className={`${table.page} live-data`}>
      <h1>Deployments</h1>
      {topic.error && (
        <Notice title="The deployments could not be read" tone="bad">
          {topic.error.detail}
        </Notice>
      )}
      {!topic.error && topic.syncing && topic.items.size === 0 && <Loading what="deployments" />}
      {!topic.error && !topic.syncing && rows.length === 0 && (
        <Notice title={topic.items.size > 0 ? 'No deployment fits' : 'Nothing was deployed yet'}>
          Each change of what is live appears here, with its author.
        </Notice>
      )}
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
            </tr>
          </thead>
          <tbody>
            {rows.map((d) => (
              <Row key={d.id} deployment={d} now={now} />
            ))}
          </tbody>
        </table>
      )}
    </div>
  )
}

function Row({ deployment: d, now }: { deployment: Deployment; now: number }) {
  return (
    <tr>
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
      <td>
        <Link to={`/f/${d.function}`} className={table.leaf}>
          {d.function}
        </Link>
      </td>
      <td className={table.tight}>{change(d)}</td>
      <td className={table.tight}>{d.author}</td>
      <td className={`${table.whole} ${table.quiet}`}>{d.rollout ? d.rollout.reason : d.message}</td>
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
