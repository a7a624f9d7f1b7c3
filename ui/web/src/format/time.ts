import { dateFormat } from './date-format'

const clock = dateFormat({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const clockSeconds = dateFormat({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const day = dateFormat({ day: 'numeric', month: 'short' })

/** Milliseconds of an RFC 3339 time; null for none and for Go's zero time. */
export function parseTime(text: string | null | undefined): number | null {
  if (!text) return null
  const ms = Date.parse(text)
  return Number.isNaN(ms) || ms < 0 ? null : ms
}

/** How long ago, in one unit: 8 s, 3 min, 5 h, 2 d. */
export function formatAge(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000))
  if (s < 60) return `${s}\u202fs`
  if (s < 3600) return `${Math.floor(s / 60)}\u202fmin`
  if (s < 172_800) return `${Math.floor(s / 3600)}\u202fh`
  return `${Math.floor(s / 86_400)}\u202fd`
}

/** The viewer's clock; with the day where it is not today. */
export function formatClock(ms: number, now: number, seconds = false): string {
  const date = new Date(ms)
  const text = (seconds ? clockSeconds : clock)(date)
  return new Date(now).toDateString() === date.toDateString() ? text : `${day(date)}, ${text}`
}

/** The server's words, with times that it writes in UTC as the viewer's clock shows them. */
export function localTimes(text: string, now: number): string {
  return text.replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, (time) => formatClock(Date.parse(time), now))
}

export function formatMillis(ms: number): string {
  return `${clockSeconds(new Date(ms))}.${String(ms % 1000).padStart(3, '0')}`
}

/** The same moment in UTC, for the hover text. */
export function formatUTC(ms: number): string {
  return `${new Date(ms)
    .toISOString()
    .replace('T', ' ')
    .replace(/\.\d+Z$/, '')} UTC`
}

/** A moment as a datetime-local field takes it: on the viewer's clock, without a zone. */
export function localInput(ms: number, seconds = false): string {
  const date = new Date(ms)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, seconds ? 19 : 16)
}
