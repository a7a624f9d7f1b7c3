import { useFetch } from '../api/use-fetch'
import { Charts } from '../function/charts'
import { TimeRange } from '../function/time-range'
import { useAnnotations } from '../function/use-panel'
import { useSpan } from '../function/use-span'
import { useNow } from '../live/use-live'
import { Link } from '../parts/link'
import { Failure, Loading, Notice } from '../parts/notice'
import table from '../parts/table.module.css'
import { Ago } from '../parts/time'
import type { DashboardModel, Dashboards } from '../wire.gen'
import styles from './dashboards.module.css'
import { driftText, progressText } from './words'

const PLATFORM = '_platform'

/** A dashboard about many functions: of everything, the platform, a team or a project. */
export default function DashboardsPage({ of }: { of: string }) {
  const model = useFetch<DashboardModel>(pathOf(of))
  const shown = useSpan('1h')
  const marks = useAnnotations(model.data, shown.span)
  const [team] = of.split('/')
  if (model.error?.status === 404 && !model.data) {
    return (
      <Notice title="There is no such dashboard, or you may not see it">
        <Link to="/teams">Teams</Link>
      </Notice>
    )
  }
  const m = model.data
  return (
    <div className={table.page}>
      <nav className={styles.places} aria-label="Dashboards">
        <Link to="/dashboards" aria-current={of === '' ? 'page' : undefined}>
          Every function
        </Link>
        <Link to={`/dashboards/${PLATFORM}`} aria-current={of === PLATFORM ? 'page' : undefined}>
          Platform
        </Link>
        {team && team !== PLATFORM && (
          <Link to={`/dashboards/${team}`} aria-current={of === team ? 'page' : undefined}>
            {team}
          </Link>
        )}
        {of.includes('/') && (
          <Link to={`/dashboards/${of}`} aria-current="page">
            {of}
          </Link>
        )}
      </nav>
      <h1>{m?.title ?? 'Dashboard'}</h1>
      {of === '' && <Kept />}
      {model.error && !m && <Failure what="The dashboard" error={model.error} retry={model.reload} />}
      {!m && !model.error && <Loading what="the dashboard" lines={6} />}
      {m && (
        <section className="live-data" aria-label="Charts">
          <TimeRange shown={shown} />
          <Charts rows={m.rows} interval={m.interval} shown={shown} marks={marks} />
        </section>
      )}
    </div>
  )
}

/** Where the model is: no team is called _platform. */
function pathOf(of: string): string {
  if (of === '') return '/api/v1/dashboards/everything'
  if (of === PLATFORM) return '/api/v1/dashboards/platform'
  const [team, project] = of.split('/')
  return `/api/v1/teams/${team}${project ? `/projects/${project}` : ''}/dashboard`
}

const SOON = 3000

/** How far all generated dashboards are, and what somebody should know of them. */
function Kept() {
  const kept = useFetch<Dashboards>('/api/v1/dashboards', SOON)
  const now = useNow()
  const d = kept.data
  if (!d) return null
  const told = d.items.filter((item) => item.error || item.drift)
  return (
    <section className={styles.kept} aria-label="Generated dashboards">
      <p>
        {progressText(d)}
        {d.lastPass && (
          <span className={table.quiet}>
            , looked at <Ago at={d.lastPass} now={now} />
          </span>
        )}
      </p>
      {d.pending > 0 && d.total > 0 && (
        <progress max={d.total} value={d.ready + d.failed} aria-label="Dashboards that were come to" />
      )}
      {d.error && <p className={table.bad}>{d.error}</p>}
      {d.held > 0 && (
        <p className={table.warn}>
          {d.held} dashboards would be deleted, more than is done unasked. Look at <code>hadron dashboards plan</code>, then run{' '}
          <code>hadron dashboards apply --confirm-deletes {d.held}</code>
        </p>
      )}
      {d.problems?.map((problem) => (
        <p key={problem} className={table.warn}>
          Extension left out: {problem}
        </p>
      ))}
      {told.length > 0 && (
        <ul>
          {told.map((item) => (
            <li key={item.uid}>
              {item.function ? <Link to={`/f/${item.function}`}>{item.function}</Link> : item.title}{' '}
              <span className={item.error ? table.bad : table.quiet}>{item.error ?? (item.drift && driftText(item.drift))}</span>
            </li>
          ))}
        </ul>
      )}
    </section>
  )
}
