import { useFetch } from '../api/use-fetch'
import { formatNumber } from '../format/number'
import { useNow } from '../live/use-live'
import { Link } from '../parts/link'
import { Reading } from '../parts/notice'
import table from '../parts/table.module.css'
import { type Culprit, goneOf, type Intake, levelOf, lostOf, spenders, type TeamIntake, worstFirst } from './ingest'

const EVERY_MS = 10_000

const WORDS = { lost: '✕ loses samples', folded: '! past its budget', near: '! nearly full', ok: '✓ ok' } as const

/** What teams send, of how much they may, and which metric and label went past it. */
export function Intakes() {
  const status = useFetch<{ data: Intake }>('/prometheus/api/v1/status/ingest', EVERY_MS)
  const intake = status.data?.data
  const now = useNow()
  return (
    <section aria-labelledby="intake" className="live-data" data-old={Boolean(status.error)}>
      <h2 id="intake">Metrics that teams send</h2>
      <Reading what="what teams send" of={status} now={now} lines={2} />
      {intake && (
        <p className={table.quiet}>
          A function may have {formatNumber(intake.budget.function)} series, a team {formatNumber(intake.budget.team)}, all
          together {formatNumber(intake.budget.node)}
          {intake.series !== undefined && `, of which there are ${formatNumber(intake.series)}`}. Past it they are folded into one
          series for each metric, “other”.
        </p>
      )}
      {intake?.teams.length === 0 && <p>No team sends metrics of its own.</p>}
      {intake && intake.teams.length > 0 && <Teams intake={intake} />}
      {intake && <Functions intake={intake} />}
    </section>
  )
}

function Teams({ intake: { teams, budget } }: { intake: Intake }) {
  return (
    <table className={table.table}>
      <thead>
        <tr>
          <th>state</th>
          <th>team</th>
          <th>series</th>
          <th>folded</th>
          <th>lost</th>
          <th>what went past the budget</th>
        </tr>
      </thead>
      <tbody>
        {worstFirst(teams, budget.team).map((t) => (
          <tr key={t.team} data-intake={t.team} data-level={levelOf(t, budget.team)}>
            <td className={table.tight}>
              <State team={t} budget={budget.team} />
            </td>
            <td className={`${table.tight} ${table.leaf}`}>{t.team || 'no team'}</td>
            <td className={table.tight}>{formatNumber(t.series)} series</td>
            <td className={table.tight}>
              {t.folded > 0 ? `${formatNumber(t.folded)} folded` : <i className={table.quiet}>none folded</i>}
            </td>
            <td className={table.tight}>{lostWords(t) || <i className={table.quiet}>none lost</i>}</td>
            <td className={table.whole}>
              <Culprits of={t.pastBudget.filter((c) => !c.function)} />
              {t.functions.length > 0 && (
                <span className={table.quiet}>
                  {t.functions.length === 1
                    ? 'one function is past its own budget, below'
                    : `${formatNumber(t.functions.length)} functions are past their own budgets, below`}
                </span>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const MOST = 20

/** The functions that are past their own budget, the worst first. */
function Functions({ intake: { teams, budget } }: { intake: Intake }) {
  const all = spenders(teams)
  if (all.length === 0) return null
  return (
    <>
      <h3>Functions past their own budget</h3>
      <table className={table.table}>
        <thead>
          <tr>
            <th>state</th>
            <th>function</th>
            <th>series</th>
            <th>folded</th>
            <th>lost</th>
            <th>what went past the budget</th>
          </tr>
        </thead>
        <tbody>
          {all.slice(0, MOST).map((f) => (
            <tr key={`${f.team}/${f.project}/${f.function}`} data-spender={`${f.team}/${f.project}/${f.function}`}>
              <td className={table.tight}>
                {lostOf(f) > 0 ? (
                  <span className={table.bad}>{WORDS.lost}</span>
                ) : (
                  <span className={table.warn}>{WORDS.folded}</span>
                )}
              </td>
              <td className={table.leaf}>
                <Link to={`/f/${f.team}/${f.project}/${f.function}`}>
                  {f.team}/{f.project}/{f.function}
                </Link>
              </td>
              <td className={table.tight}>
                {formatNumber(f.series)} of {formatNumber(budget.function)} series
              </td>
              <td className={table.tight}>
                {f.folded > 0 ? `${formatNumber(f.folded)} folded` : <i className={table.quiet}>none folded now</i>}
              </td>
              <td className={table.tight}>
                {lostOf(f) > 0 ? `${formatNumber(lostOf(f))} lost` : <i className={table.quiet}>none lost</i>}
              </td>
              <td className={table.whole}>
                <Culprits of={f.culprits} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {all.length > MOST && (
        <p className={table.quiet}>
          The worst {MOST} of {formatNumber(all.length)}.
        </p>
      )}
    </>
  )
}

function Culprits({ of }: { of: readonly Culprit[] }) {
  return of.map((past) => (
    <div key={past.metric}>
      <code>{past.metric}</code>: {formatNumber(past.series)} series, mostly by <code>{past.label}</code> with{' '}
      {past.values >= MANY ? `${formatNumber(MANY)} values or more` : `about ${formatNumber(past.values)} values`}
    </div>
  ))
}

const MANY = 3000 // counted no further

function State({ team, budget }: { team: TeamIntake; budget: number }) {
  const level = levelOf(team, budget)
  return <span className={level === 'lost' ? table.bad : level === 'ok' ? table.quiet : table.warn}>{WORDS[level]}</span>
}

function lostWords(team: TeamIntake): string {
  if (goneOf(team) === 0) return ''
  const { lost = 0, invalid = 0 } = team.dropped
  return [lost > 0 && `${formatNumber(lost)} lost`, invalid > 0 && `${formatNumber(invalid)} refused`].filter(Boolean).join(', ')
}
