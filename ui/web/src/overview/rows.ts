import { STATES, stateName } from '../parts/state'
import type { Health } from '../wire.gen'

const SOON_MS = 3_600_000

/** Whether the trouble began soon after the newest deployment: then going back is what to try. */
export function offersRollback(h: Health): boolean {
  const state = stateName(h.state)
  if (state !== 'failing' && state !== 'degraded') return false
  const after = Date.parse(h.since) - Date.parse(h.deployedAt)
  return after >= -60_000 && after < SOON_MS
}

export type SortKey = 'worst' | 'name' | 'rate' | 'errors' | 'p50' | 'p99' | 'inflight' | 'budget' | 'deployed'

const RANK = new Map<string, number>(STATES.map((state, i) => [state, i]))

function byName(a: Health, b: Health): number {
  return a.function < b.function ? -1 : a.function > b.function ? 1 : 0
}

// What has no value stands last, whichever way the column goes.
function descending(value: (h: Health) => number | null): (a: Health, b: Health) => number {
  return (a, b) => {
    const x = value(a)
    const y = value(b)
    if (x === null || y === null) return x === y ? byName(a, b) : x === null ? 1 : -1
    return y - x || byName(a, b)
  }
}

const COMPARE: Record<SortKey, (a: Health, b: Health) => number> = {
  // Only changes of state move a row here: newest trouble first, the rest by name.
  worst: (a, b) => {
    const rank = (RANK.get(stateName(a.state)) ?? 0) - (RANK.get(stateName(b.state)) ?? 0)
    if (rank !== 0) return rank
    const state = stateName(a.state)
    if (state === 'failing' || state === 'degraded') {
      const since = Date.parse(b.since) - Date.parse(a.since)
      if (since) return since
    }
    return byName(a, b)
  },
  name: byName,
  rate: descending((h) => h.rate),
  errors: descending((h) => h.errorRatio),
  p50: descending((h) => h.p50),
  p99: descending((h) => h.p99),
  inflight: descending((h) => h.inFlight),
  budget: descending((h) => (h.budgetLeft === null ? null : -h.budgetLeft)),
  deployed: descending((h) => Date.parse(h.deployedAt)),
}

export function sortKey(text: string): SortKey {
  return text in COMPARE ? (text as SortKey) : 'worst'
}

export function sortRows(rows: Health[], key: SortKey): Health[] {
  return [...rows].sort(COMPARE[key])
}

/**
 * Keeps rows where they were while the order is held, because somebody points at
 * them: rows that went are left out, new ones come last.
 */
export function holdOrder(rows: Health[], order: readonly string[]): Health[] {
  const left = new Map(rows.map((h) => [h.function, h]))
  const out: Health[] = []
  for (const name of order) {
    const h = left.get(name)
    if (h) {
      out.push(h)
      left.delete(name)
    }
  }
  for (const h of left.values()) out.push(h)
  return out
}
