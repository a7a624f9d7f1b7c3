import { formatSeconds } from '../format/number'
import table from '../parts/table.module.css'
import { Ago } from '../parts/time'
import type { Watchdog } from '../wire.gen'

/** Who hears that alerts are evaluated and delivered, and raises the alarm when that stops. */
export function Watchdogs({ items, now }: { items: readonly Watchdog[]; now: number }) {
  return (
    <section aria-labelledby="watchdogs">
      <h2 id="watchdogs">Dead man’s switch</h2>
      {items.length === 0 ? (
        <p className={table.quiet}>
          Nobody outside hears when this installation stops: give a target in <code>alerting.targets</code> a{' '}
          <code>watchdog</code>.
        </p>
      ) : (
        <table className={table.table}>
          <thead>
            <tr>
              <th>state</th>
              <th>target</th>
              <th>told every</th>
              <th>last heard</th>
              <th>last error</th>
            </tr>
          </thead>
          <tbody>
            {items.map((w) => (
              <tr key={w.target} data-watchdog={w.target} data-state={w.state}>
                <td className={table.tight}>
                  <span className={w.state === 'ok' ? table.quiet : table.bad}>{w.state === 'ok' ? '✓ ok' : '✕ late'}</span>
                </td>
                <td className={`${table.tight} ${table.leaf}`}>{w.target}</td>
                <td className={table.tight}>
                  <span className={table.label}>told every </span>
                  {formatSeconds(w.every)}
                </td>
                <td className={table.tight}>
                  <span className={table.label}>last heard </span>
                  {w.heardAt ? <Ago at={w.heardAt} now={now} /> : 'never since the start'}
                </td>
                <td className={table.whole}>
                  <span className={table.label}>last error </span>
                  {w.lastError ? (
                    <>
                      <b className={table.warn}>{w.lastError}</b>
                      {w.triedAt && (
                        <>
                          {' '}
                          <Ago at={w.triedAt} now={now} />
                        </>
                      )}
                    </>
                  ) : (
                    <i className={table.quiet}>none</i>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
