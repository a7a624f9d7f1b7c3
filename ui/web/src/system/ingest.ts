/** What /prometheus/api/v1/status/ingest says: what senders may write, and who is past a budget. */
export interface Intake {
  budget: { team: number; node: number }
  series?: number // of all teams, for those who see all
  teams: TeamIntake[]
}

export interface TeamIntake {
  team: string
  series: number
  folded: number
  dropped: Record<string, number> // series, by the reason; those of `series` were folded
  pastBudget: { metric: string; series: number; label: string; values: number }[]
}

const NEAR = 0.8

/** How a team does: what is lost is worst, then what is folded, then what soon will be. */
export function levelOf(team: TeamIntake, budget: number): 'dropped' | 'folded' | 'near' | 'ok' {
  if (droppedOf(team) > 0) return 'dropped'
  if (team.folded > 0 || team.pastBudget.length > 0) return 'folded'
  return budget > 0 && team.series >= NEAR * budget ? 'near' : 'ok'
}

/** Series that are nowhere: lost, or refused for breaking the contract. Folded ones are in another. */
export function droppedOf(team: TeamIntake): number {
  return Object.entries(team.dropped).reduce((sum, [reason, n]) => sum + (reason === 'series' ? 0 : n), 0)
}

const ORDER = ['dropped', 'folded', 'near', 'ok']

/** The worst first, then those with the most series. */
export function worstFirst(teams: readonly TeamIntake[], budget: number): TeamIntake[] {
  const rank = (t: TeamIntake) => ORDER.indexOf(levelOf(t, budget))
  return [...teams].sort((a, b) => rank(a) - rank(b) || b.series - a.series || a.team.localeCompare(b.team))
}
