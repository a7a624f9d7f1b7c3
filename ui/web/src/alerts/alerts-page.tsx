import { Button } from '@mantine/core'
import { useMemo, useState } from 'react'
import { mayAnywhere } from '../access/grants'
import { useSession } from '../access/use-session'
import { useFetch } from '../api/use-fetch'
import { formatNumber } from '../format/number'
import { localTimes } from '../format/time'
import { alertKey, alerts } from '../live/topics'
import { useNow, useTopic } from '../live/use-live'
import { Link } from '../parts/link'
import { Loading, Notice } from '../parts/notice'
import table from '../parts/table.module.css'
import { Ago } from '../parts/time'
import { useParam } from '../router'
import type { Alert, List, Silence } from '../wire.gen'
import { Incidents } from './incidents'
import styles from './incidents.module.css'
import { orderAlerts } from './order'
import { PastIncidents } from './past'
import type { Plan } from './plan'
import { PlanDialog } from './plan-dialog'
import { Silences } from './silences'

const SIGNS: Record<string, string> = { firing: '✕', pending: '!', inactive: '–' }

/** Alerts that fire or are about to; all others on demand. */
export default function AlertsPage() {
  const topic = useTopic(alerts)
  const now = useNow()
  const session = useSession()
  const silences = useFetch<List<Silence>>('/api/v1/silences', 15_000)
  const [plan, setPlan] = useState<Plan['kind'] | null>(null)
  const [show, setShow] = useParam('show', 'active')
  const [text] = useParam('q')
  const all = useMemo(() => orderAlerts(topic.items.values(), text), [topic.items, text])
  const active = all.filter((a) => a.state !== 'inactive')
  const rows = (show === 'all' ? all : active).slice(0, 1000)
  return (
    <div className={`${table.page} live-data`}>
      <div className={styles.head}>
        <h1>Alerts</h1>
        {mayAnywhere(session, 'deploy') && (
          <div className={styles.actions}>
            <Button size="compact-sm" variant="default" onClick={() => setPlan('silence')}>
              Silence…
            </Button>
            <Button size="compact-sm" variant="default" onClick={() => setPlan('maintenance')}>
              Plan maintenance…
            </Button>
          </div>
        )}
      </div>
      {plan && <PlanDialog kind={plan} onClose={() => setPlan(null)} onDone={silences.reload} />}
      <Incidents now={now} onSilenced={silences.reload} />
      <Silences list={silences} now={now} />
      {topic.error && (
        <Notice title="The alerts could not be read" tone="bad">
          {topic.error.detail}
        </Notice>
      )}
      {!topic.error && topic.syncing && topic.items.size === 0 && <Loading what="alerts" />}
      {all.length > active.length && (
        <div className={table.filter}>
          <label>
            <input
              type="checkbox"
              checked={show === 'all'}
              onChange={(e) => setShow(e.currentTarget.checked ? 'all' : 'active')}
            />{' '}
            show the {all.length - active.length} quiet ones too
          </label>
        </div>
      )}
      {!topic.error && !topic.syncing && rows.length === 0 && (
        <Notice title="Nothing fires">
          {all.length === 0
            ? 'No alert is defined yet; each deployed function gets its own.'
            : `${all.length} alerts are watching.`}
        </Notice>
      )}
      {rows.length > 0 && (
        <table className={table.table}>
          <thead>
            <tr>
              <th>state</th>
              <th>class</th>
              <th>function</th>
              <th>alert</th>
              <th>reason</th>
              <th>since</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((a) => (
              <Row key={alertKey(a)} alert={a} now={now} />
            ))}
          </tbody>
        </table>
      )}
      <PastIncidents now={now} />
    </div>
  )
}

function Row({ alert: a, now }: { alert: Alert; now: number }) {
  const tone = a.state === 'firing' ? table.bad : a.state === 'pending' ? table.warn : table.quiet
  return (
    <tr>
      <td className={`${table.tight} ${tone}`}>
        <span aria-hidden>{SIGNS[a.state] ?? '?'}</span> {a.state}
      </td>
      <td className={table.tight}>{a.class}</td>
      <td className={table.name}>
        <Link to={`/f/${a.function}`} className={table.leaf} title={a.function}>
          {a.function}
        </Link>
      </td>
      <td className={table.tight}>
        {a.name}
        {(a.slo || a.window) && (
          <span className={table.quiet}>
            {' '}
            {a.slo} {a.window}
          </span>
        )}
      </td>
      <td className={table.whole}>
        {a.silenced && <span className={table.quiet}>{localTimes(a.silenced, now)} · </span>}
        {a.reason || a.error || (a.value ? `burns ${formatNumber(a.value)}×` : <span className={table.quiet}>–</span>)}
      </td>
      <td className={table.tight}>{a.since ? <Ago at={a.since} now={now} /> : '–'}</td>
    </tr>
  )
}
