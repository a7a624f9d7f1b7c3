import type { Token } from '../wire.gen'

/** How many tokens each team has, those with the most first; the whole installation's own are those of no team. */
export function tokenUse(tokens: readonly Pick<Token, 'team'>[]): { team: string; count: number }[] {
  const counts = new Map<string, number>()
  for (const t of tokens) counts.set(t.team, (counts.get(t.team) ?? 0) + 1)
  return [...counts].map(([team, count]) => ({ team, count })).sort((a, b) => b.count - a.count || a.team.localeCompare(b.team))
}

/** From this share on a bound is told to be near. */
const NEARLY = 0.8

/** What is to be said of so many of a bound, after the number. */
export function fullness(count: number, most: number): string {
  if (most <= 0 || count < NEARLY * most) return ''
  return count >= most ? ' ! full' : ' ! nearly full'
}

/** Whose tokens they are. */
export function ownerText(team: string): string {
  return team || 'the installation'
}
