import type { Deployment } from '../wire.gen'

/**
 * The change of each function that says what is live now, so that a rollback can begin there:
 * its newest, unless that is a deployment under way, which is aborted instead, a deletion, or the first of all.
 */
export function standing(all: Iterable<Deployment>): Set<number> {
  const newest = new Map<string, Deployment>()
  for (const d of all) {
    if (d.kind !== 'deleted' && (d.kind === 'registered' || d.to.length === 0)) continue // nothing of what is live
    const known = newest.get(d.function)
    if (!known || d.id > known.id) newest.set(d.function, d)
  }
  const under = new Set<string>()
  for (const d of all) if (d.rollout?.active) under.add(d.function)
  return new Set(
    [...newest.values()].filter((d) => d.kind !== 'deleted' && d.from.length > 0 && !under.has(d.function)).map((d) => d.id),
  )
}
