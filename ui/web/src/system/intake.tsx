import { useFetch } from '../api/use-fetch'
import { formatNumber } from '../format/number'
import { Failure, Loading } from '../parts/notice'
import table from '../parts/table.module.css'
import { droppedOf, type Intake, levelOf, type TeamIntake, worstFirst } from './ingest'

const EVERY_MS = 10_000

const WORDS = { dropped: '✕ loses samples', folded: '! past its budget', near: '! nearly full', ok: '✓ ok' } as const

/** What teams send, of how much they may, and which metric and label went past it. */
export function Intakes() {
  const status = useFetch<{ data: Intake }>('/prometheus/api/v1/status/ingest', EVERY_MS)
  const intake = status.data?.data
  return (
    <section aria-labelledby="intake" className="live-data" data-old={Boolean(status.error)}>
      <h2 id="intake">Metrics that teams send</h2>
      {status.error && <Failure what="What teams send" error={status.error} retry={status.reload} />}
      {!intake && !status.error && <Loading what="what teams send" lines={2} />}
      {intake && (
        <p className={table.quiet}>
          A team may have {formatNumber(intake.budget.team)} series, all together {formatNumber(intake.budget.node)}
          {intake.series !== undefined && `, of which there are ${formatNumber(intake.series)}`}. Past it they are folded into one
          series for each metric, “other”.
        </p>
      )}
      {intake?.teams.length === 0 && <p>No team sends metrics of its own.</p>}
      {intake && intake.teams.length > 0 && <Teams intake={intake} />}
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
          <th>dropped</th>
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
            <td className={table.tight}>{lostWords(t) || <i className={table.quiet}>none dropped</i>}</td>
            <td className={table.whole}>
              {t.pastBudget.map((past) => (
                <div key={past.metric}>
                  <code>{past.metric}</code>: {formatNumber(past.series)} series, mostly by <code>{past.label}</code> with{' '}
                  {past.values >= MANY ? `${formatNumber(MANY)} values or more` : `about ${formatNumber(past.values)} values`}
                </div>
              ))}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}

const MANY = 3000 // counted no further

function State({ team, budget }: { team: TeamIntake; budget: number }) {
  const level = levelOf(team, budget)
  return <span className={level === 'dropped' ? table.bad : level === 'ok' ? table.quiet : table.warn}>{WORDS[level]}</span>
}

function lostWords(team: TeamIntake): string {
  if (droppedOf(team) === 0) return ''
  const { lost = 0, invalid = 0 } = team.dropped
  return [lost > 0 && `${formatNumber(lost)} lost`, invalid > 0 && `${formatNumber(invalid)} refused`].filter(Boolean).join(', ')
}
