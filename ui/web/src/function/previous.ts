import type { Deployment } from '../wire.gen'

/**
 * The version each function can go back to: the one that was live whole before
 * its newest deployment. A function whose last change already was a rollback has none.
 */
export function previousVersions(deployments: Iterable<Deployment>): Map<string, number> {
  const newest = new Map<string, Deployment>()
  for (const d of deployments) {
    if (d.kind === 'registered') continue
    const known = newest.get(d.function)
    if (!known || d.id > known.id) newest.set(d.function, d)
  }
  const out = new Map<string, number>()
  for (const [name, d] of newest) {
    const whole = d.from.filter((w) => w.weight > 0)
    const [before] = whole
    if (d.kind === 'rolled_back' || d.kind === 'deleted' || whole.length !== 1 || !before) continue
    if (!d.to.some((w) => w.weight > 0 && w.version === before.version)) out.set(name, before.version)
  }
  return out
}
