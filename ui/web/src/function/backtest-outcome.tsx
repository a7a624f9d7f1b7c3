import { formatNumber, formatPercent, formatSeconds } from '../format/number'
import { formatAge } from '../format/time'
import table from '../parts/table.module.css'
import { Clock } from '../parts/time'
import type { Backtest, BacktestAlert } from '../wire.gen'
import styles from './backtest.module.css'

/** Rows of the table of alerts at most: more are said in a number. */
const MOST_SHOWN = 100

/** When each rule would have fired, and what the budgets lost. */
export function Outcome({ result: r, now }: { result: Backtest; now: number }) {
  return (
    <section aria-label="What these objectives would have done" data-pages={r.pages} data-tickets={r.tickets}>
      <p role="status" className={styles.told}>
        <b>
          Would have paged {times(r.pages)} and opened {r.tickets === 1 ? '1 ticket' : `${formatNumber(r.tickets)} tickets`}
        </b>{' '}
        from <Clock at={r.from} now={now} /> to <Clock at={r.to} now={now} />.
      </p>
      <table className={table.table}>
        <thead>
          <tr>
            <th>objective</th>
            <th>promised</th>
            <th>calls</th>
            <th>bad</th>
            <th>burn</th>
            <th>budget spent</th>
          </tr>
        </thead>
        <tbody>
          {r.objectives.map((o) => (
            <tr key={o.name} data-objective={o.name}>
              <td className={table.leaf}>{o.name}</td>
              <td>
                {Number((o.ratio * 100).toFixed(6))} %{o.threshold ? ` under ${formatSeconds(o.threshold)}` : ' without error'}
              </td>
              <td>{formatNumber(Math.round(o.events))}</td>
              <td>{formatNumber(Math.round(o.bad))}</td>
              <td>{o.burn === null ? '–' : `${formatNumber(o.burn)}×`}</td>
              <td className={o.budgetUsed !== null && o.budgetUsed >= 1 ? table.bad : undefined}>
                {o.budgetUsed === null ? '–' : `${formatPercent(o.budgetUsed)} of ${r.slo.window}`}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {r.alerts.length > 0 && (
        <table className={table.table}>
          <thead>
            <tr>
              <th>fired</th>
              <th>for</th>
              <th>class</th>
              <th>objective</th>
              <th>rule</th>
              <th>why</th>
            </tr>
          </thead>
          <tbody>
            {r.alerts.slice(0, MOST_SHOWN).map((a) => (
              <tr key={`${a.slo} ${a.window} ${a.firedAt}`} data-fired={a.class}>
                <td className={table.tight}>
                  <Clock at={a.firedAt} now={now} seconds />
                </td>
                <td className={table.tight}>{lasted(a)}</td>
                <td className={a.class === 'page' ? table.bad : table.warn}>{a.class}</td>
                <td>{a.slo}</td>
                <td className={table.tight}>{a.window}</td>
                <td>{a.why}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {r.alerts.length > MOST_SHOWN && <p className={styles.note}>and {formatNumber(r.alerts.length - MOST_SHOWN)} more.</p>}
      {r.notes.map((note) => (
        <p key={note} className={styles.note}>
          {note}
        </p>
      ))}
    </section>
  )
}

function times(n: number): string {
  return n === 1 ? 'once' : `${formatNumber(n)} times`
}

function lasted(a: BacktestAlert): string {
  return a.endedAt ? formatAge(Date.parse(a.endedAt) - Date.parse(a.firedAt)) : 'still fires'
}
