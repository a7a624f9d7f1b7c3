import { STATES, stateName } from '../parts/state'
import type { Group } from '../wire.gen'

/** Teams with the worst project first, and within a team the worst project first; the rest by name. */
export function orderGroups(groups: Iterable<Group>): Group[] {
  const all = [...groups]
  const rank = (g: Group) => STATES.indexOf(stateName(g.state))
  const worst = new Map<string, number>()
  for (const g of all) worst.set(teamOf(g), Math.min(rank(g), worst.get(teamOf(g)) ?? STATES.length))
  const team = (g: Group) => worst.get(teamOf(g)) ?? STATES.length
  return all.sort((a, b) => team(a) - team(b) || compare(teamOf(a), teamOf(b)) || rank(a) - rank(b) || compare(a.group, b.group))
}

function teamOf(g: Group): string {
  return g.group.split('/')[0] ?? ''
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
