/** What /prometheus/api/v1/status/ingest says: what senders may write, and who is past a budget. */
export interface Intake {
  budget: { function: number; team: number; node: number }
  series?: number // of all teams, for those who see all
  teams: TeamIntake[]
}

export interface TeamIntake {
  team: string
  series: number
  folded: number
  dropped: Record<string, number> // series, by the reason; those of `series` were folded
  pastBudget: Culprit[]
  functions: FunctionIntake[] // past their own budget
}

/** A metric past a budget: its team's, or, where it names one, a function's. */
export interface Culprit {
  metric: string
  project?: string
  function?: string
  series: number
  label: string
  values: number
}

export interface FunctionIntake {
  project: string
  function: string
  series: number
  folded: number
  dropped: Record<string, number>
}

/** A function past its own budget, with what went past it. */
export interface Spender extends FunctionIntake {
  team: string
  culprits: Culprit[]
}

/** The functions past their own budgets: those that lose samples first, then those that fold the most series. */
export function spenders(teams: readonly TeamIntake[]): Spender[] {
  const all = teams.flatMap((t) =>
    t.functions.map((f) => ({
      ...f,
      team: t.team,
      culprits: t.pastBudget.filter((c) => c.project === f.project && c.function === f.function),
    })),
  )
  const name = (f: Spender) => `${f.team}/${f.project}/${f.function}`
  return all.sort((a, b) => lostOf(b) - lostOf(a) || foldedOf(b) - foldedOf(a) || name(a).localeCompare(name(b)))
}

/** Series of a function that are nowhere. */
export function lostOf(f: FunctionIntake): number {
  return f.dropped.lost ?? 0
}

function foldedOf(f: FunctionIntake): number {
  return Math.max(f.folded, f.dropped.series ?? 0)
}

const NEAR = 0.8

/** How a team does: what is lost is worst, then what is folded, then what soon will be. */
export function levelOf(team: TeamIntake, budget: number): 'lost' | 'folded' | 'near' | 'ok' {
  if (goneOf(team) > 0) return 'lost'
  if (team.folded > 0 || team.pastBudget.length > 0) return 'folded'
  return budget > 0 && team.series >= NEAR * budget ? 'near' : 'ok'
}

/** Series that are nowhere: lost, or refused for breaking the contract. Folded ones are in another. */
export function goneOf(team: TeamIntake): number {
  return Object.entries(team.dropped).reduce((sum, [reason, n]) => sum + (reason === 'series' ? 0 : n), 0)
}

const ORDER = ['lost', 'folded', 'near', 'ok']

/** The worst first, then those with the most series. */
export function worstFirst(teams: readonly TeamIntake[], budget: number): TeamIntake[] {
  const rank = (t: TeamIntake) => ORDER.indexOf(levelOf(t, budget))
  return [...teams].sort((a, b) => rank(a) - rank(b) || b.series - a.series || a.team.localeCompare(b.team))
}
