import { parseTime } from '../format/time'
import type { Incident } from '../wire.gen'

const BEFORE = 30 * 60_000
const AFTER = 10 * 60_000
const LEAST = 5 * 60_000

/** The function's page over the time of an incident, with what was before and after. */
export function aroundIncident(i: Pick<Incident, 'function' | 'openedAt' | 'closedAt'>, now: number): string {
  const began = parseTime(i.openedAt)
  if (began === null) return `/f/${i.function}`
  const from = began - BEFORE
  const to = Math.min(now, (parseTime(i.closedAt) ?? now) + AFTER)
  return `/f/${i.function}?range=${Math.floor(from / 1000)}-${Math.ceil(Math.max(to, from + LEAST) / 1000)}`
}

/** An address to leave the app by, or none: only http and https lead out. */
export function outside(address: string | undefined): string | undefined {
  return address && /^https?:\/\//.test(address) ? address : undefined
}
