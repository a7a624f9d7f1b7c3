import type { Fetched } from '../api/use-fetch'
import { driftText } from '../dashboards/words'
import { formatNumber } from '../format/number'
import { alertKey } from '../live/topics'
import { Failure, Loading } from '../parts/notice'
import { Ago } from '../parts/time'
import type { Alert, Operability, State } from '../wire.gen'
import styles from './function-page.module.css'
import { Objectives } from './objectives'
import { Quarantined } from './quarantine'

interface OperableProps {
  name: string
  operability: Fetched<Operability>
  alerts: readonly Alert[]
  runbook: string | undefined
  now: number
}

/** What was made to watch the function, how far it is, and why something is not ready. */
export function Operable({ name, operability, alerts, runbook, now }: OperableProps) {
  const o = operability.data
  return (
    <section className={styles.block}>
      <h2>Watched by</h2>
      {operability.error && !o && <Failure what="What watches it" error={operability.error} retry={operability.reload} />}
      {!o && !operability.error && <Loading what="what watches it" />}
      {o && (
        <table className={styles.list}>
          <colgroup>
            <col className={styles.colName} />
            <col />
          </colgroup>
          <tbody>
            <Watcher
              name="dashboard"
              state={o.dashboard.state}
              error={o.dashboard.error}
              note={[o.dashboard.target, o.dashboard.drift && driftText(o.dashboard.drift)].filter(Boolean).join(', ')}
            />
            <Watcher
              name="pages"
              state={o.pagerduty.state}
              error={o.pagerduty.error}
              note={o.pagerduty.escalationPolicy ? `PagerDuty → ${o.pagerduty.escalationPolicy}` : 'PagerDuty'}
            />
            {o.quarantined && <Quarantined name={name} versions={o.quarantined} now={now} onReleased={operability.reload} />}
            <Objectives name={name} slo={o.slo} onSaved={operability.reload} />
            <tr>
              <td>alerts</td>
              <td>
                {o.alerts.length === 0
                  ? 'none'
                  : `${o.alerts.length}, ${alerts.length === 0 ? 'all quiet' : `${alerts.length} active`}`}
              </td>
            </tr>
            {alerts.map((a) => (
              <tr key={alertKey(a)} data-live={a.state === 'firing'}>
                <td className={a.state === 'firing' ? styles.firing : styles.quiet}>{a.state}</td>
                <td>
                  {a.reason || a.name}
                  <span className={styles.quiet}>
                    {' '}
                    {a.class}
                    {a.value && !a.reason ? `, ${formatNumber(a.value)}× burn` : ''}
                    {a.since && (
                      <>
                        , since <Ago at={a.since} now={now} />
                      </>
                    )}
                  </span>
                </td>
              </tr>
            ))}
            {!runbook && (
              <tr>
                <td>runbook</td>
                <td className={styles.quiet}>none in hadron.yaml; pages will say so</td>
              </tr>
            )}
          </tbody>
        </table>
      )}
    </section>
  )
}

const WORDS: Record<State, string> = {
  ready: 'ready',
  pending: 'on its way',
  failed: 'failed, will go on trying',
  disabled: 'off',
}

function Watcher({ name, state, error, note }: { name: string; state: State; error: string | undefined; note: string }) {
  return (
    <tr>
      <td>{name}</td>
      <td>
        <span data-watch={state} className={styles.watch}>
          {WORDS[state] ?? 'not known yet'}
        </span>
        <span className={styles.quiet}> {note}</span>
        {error && <div className={styles.watchError}>{error}</div>}
      </td>
    </tr>
  )
}
