import type { CreateSilence } from '../wire.gen'

/** What is typed of a silence or a maintenance. */
export interface Plan {
  kind: 'silence' | 'maintenance'
  scope: string
  class: string
  from: number | null // milliseconds; null: a field that holds no time
  to: number | null
  reason: string
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const SCOPE = /^$|^[a-z][a-z0-9-]{0,62}(\/[a-z][a-z0-9-]{0,62}){0,2}$/

/** What is wrong with a plan, or nothing; the server's bounds are 30 days from begin to end, and a begin within 90. */
export function wrongWith(p: Plan, now: number): string {
  if (!SCOPE.test(p.scope.trim())) return 'Write a team, team/project or team/project/name; leave it empty for everything.'
  if (p.from === null || p.to === null) return 'Give both times.'
  if (p.to <= now) return 'It would be over already: give an end that is to come.'
  if (p.to <= p.from) return 'It must end after it begins.'
  if (p.to - p.from > 30 * DAY) return 'It lasts 30 days at most.'
  if (p.from - now > 90 * DAY) return 'It begins within 90 days.'
  return ''
}

/** The body that makes it; one that begins now, or has begun, begins now. */
export function bodyOf(p: Plan, now: number): CreateSilence {
  const from = p.from ?? now
  return {
    scope: p.scope.trim(),
    kind: p.kind,
    ...(p.class && { class: p.class }),
    ...(from > now + MINUTE && { starts: new Date(from).toISOString() }),
    ends: new Date(p.to ?? now).toISOString(),
    reason: p.reason.trim(),
  }
}

/** What is not told, in words. */
export function untold(p: Plan): string {
  const what = p.class === 'page' ? 'pages' : p.class === 'ticket' ? 'tickets' : 'pages and tickets'
  return `${what} of ${p.scope.trim() || 'every function of every team'}`
}
