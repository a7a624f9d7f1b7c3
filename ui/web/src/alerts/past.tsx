import { usePages } from '../api/use-pages'
import { formatAge, parseTime } from '../format/time'
import { Link } from '../parts/link'
import { Reading } from '../parts/notice'
import { Older } from '../parts/older'
import table from '../parts/table.module.css'
import { Ago, Clock } from '../parts/time'
import type { Incident } from '../wire.gen'
import styles from './incidents.module.css'
import { aroundIncident } from './links'

const PATH = '/api/v1/incidents?state=ended&limit=20'

/** Incidents that are over, newest first: how long each was open, who was told and who had it. */
export function PastIncidents({ now }: { now: number }) {
  const pages = usePages<Incident>(PATH, (i) => i.id, 30_000)
  const { first, items } = pages
  return (
    <section className={styles.incidents} aria-labelledby="past">
      <h2 id="past">Incidents that are over</h2>
      <Reading what="the incidents that are over" of={first} now={now} lines={2} />
      {first.data && items.length === 0 && <p className={table.quiet}>None in the last 90 days.</p>}
      {items.length > 0 && (
        <table className={table.table}>
          <thead>
            <tr>
              <th>class</th>
              <th>function</th>
              <th>objective</th>
              <th>began</th>
              <th>was open for</th>
              <th>who had it</th>
              <th>told</th>
              <th>how it ended</th>
            </tr>
          </thead>
          <tbody>
            {items.map((i) => (
              <tr key={i.id} data-past={i.slo}>
                <td className={table.tight}>{i.class}</td>
                <td className={`${table.leaf} ${table.name}`}>
                  <Link to={aroundIncident(i, now)} title={i.function}>
                    {i.function}
                  </Link>
                </td>
                <td className={table.tight}>{i.slo}</td>
                <td className={table.tight}>
                  <Clock at={i.openedAt} now={now} />{' '}
                  <span className={table.quiet}>
                    <Ago at={i.openedAt} now={now} />
                  </span>
                </td>
                <td className={table.tight}>
                  <span className={table.label}>open for </span>
                  {lasted(i)}
                </td>
                <td className={table.tight}>{i.acknowledgedBy || <span className={table.quiet}>nobody took it</span>}</td>
                <td className={table.tight}>
                  {i.told.length > 0 && <span className={table.label}>told </span>}
                  {i.told.length > 0 ? i.told.join(', ') : <span className={table.quiet}>nobody was told</span>}
                </td>
                <td className={`${table.whole} ${table.quiet}`}>{i.why}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Older pages={pages} what="Older incidents" />
    </section>
  )
}

function lasted(i: Incident): string {
  const began = parseTime(i.openedAt)
  const ended = parseTime(i.closedAt)
  return began === null || ended === null ? '–' : formatAge(ended - began)
}
