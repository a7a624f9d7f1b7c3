import type { Alert } from '../wire.gen'

const RANK: Record<string, number> = { firing: 0, pending: 1, inactive: 2 }

/** Firing pages first, then by how lately they began; only those that hold the words. */
export function orderAlerts(items: Iterable<Alert>, text: string): Alert[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const fits = (a: Alert) => {
    const all = `${a.function} ${a.name} ${a.reason ?? ''}`.toLowerCase()
    return words.every((word) => all.includes(word))
  }
  return [...items]
    .filter(fits)
    .sort(
      (a, b) =>
        (RANK[a.state] ?? 3) - (RANK[b.state] ?? 3) ||
        Number(b.class === 'page') - Number(a.class === 'page') ||
        (b.since ?? '').localeCompare(a.since ?? '') ||
        `${a.function}/${a.name}`.localeCompare(`${b.function}/${b.name}`),
    )
}
