import { useFetch } from '../api/use-fetch'
import { useNow } from '../live/use-live'
import { Link } from '../parts/link'
import { Notice, Reading } from '../parts/notice'
import table from '../parts/table.module.css'
import { Ago } from '../parts/time'
import { useParam } from '../router'
import type { List, Team } from '../wire.gen'
import styles from './teams.module.css'
import { QUOTAS, Use } from './use'

/** The teams, who owns each, and what it uses of its quotas. */
export default function TeamsPage() {
  const [text] = useParam('q')
  const [cursor, setCursor] = useParam('from')
  const teams = useFetch<List<Team>>(`/api/v1/teams?limit=50${cursor && `&cursor=${encodeURIComponent(cursor)}`}`, 10_000)
  const now = useNow()
  const all = teams.data?.items ?? []
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const rows = all.filter((t) =>
    words.every((w) =>
      `${t.team} ${t.settings.owners?.join(' ') ?? ''} ${t.settings.description ?? ''}`.toLowerCase().includes(w),
    ),
  )
  return (
    <div className={table.page}>
      <h1>Teams</h1>
      <Reading what="the teams" of={teams} now={now} />
      {teams.data && rows.length === 0 && (
        <Notice title={all.length > 0 ? 'No team fits' : 'There are no teams yet'}>
          A team comes into being when an admin first deploys to it, or with <code>hadron teams create</code>.
        </Notice>
      )}
      {rows.length > 0 && <TeamTable teams={rows} now={now} />}
      {(cursor || teams.data?.next) && (
        <p className={styles.pages}>
          {cursor && (
            <button type="button" className={styles.more} onClick={() => setCursor('')}>
              First page
            </button>
          )}
          {teams.data?.next && (
            <button type="button" className={styles.more} onClick={() => setCursor(teams.data?.next ?? '')}>
              Next page
            </button>
          )}
        </p>
      )}
    </div>
  )
}

/** Teams or projects, one a line. */
export function TeamTable({ teams, now }: { teams: readonly Team[]; now: number }) {
  return (
    <table className={`${table.table} ${styles.table}`}>
      <thead>
        <tr>
          <th>name</th>
          <th>owners</th>
          {QUOTAS.map((q) => (
            <th key={q.name} className={styles.number}>
              {q.label}
            </th>
          ))}
          <th>changed</th>
        </tr>
      </thead>
      <tbody>
        {teams.map((t) => (
          <tr key={scopeOf(t)}>
            <td className={table.whole}>
              <Link to={`/teams/${scopeOf(t)}`} className={table.leaf}>
                {t.project || t.team}
              </Link>
              {t.settings.description && <span className={table.quiet}> {t.settings.description}</span>}
            </td>
            <td className={table.whole}>
              {t.settings.owners?.join(', ') || <span className={table.quiet}>nobody yet</span>}
              {t.settings.contact && <span className={table.quiet}> · {t.settings.contact}</span>}
            </td>
            {QUOTAS.map((q) => (
              <td key={q.name} className={styles.number}>
                <Use usage={t.usage} name={q.name} label={q.label} />
              </td>
            ))}
            <td className={`${table.tight} ${table.quiet}`}>
              <Ago at={t.updatedAt} now={now} />, {t.updatedBy}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

export function scopeOf(t: Team): string {
  return t.project ? `${t.team}/${t.project}` : t.team
}
