/** What charts look back over by one press, in seconds. */
export const RANGES = {
  '15m': 900,
  '1h': 3600,
  '6h': 21_600,
  '24h': 86_400,
  '7d': 604_800,
} as const

export type RangeName = keyof typeof RANGES

/** The time that charts show: the last while, which moves on, or a part of the past. Unix seconds. */
export type Span = { live: RangeName } | { live: null; from: number; to: number }

const SHORTEST = 30
const LONGEST = 95 * 86_400 // as long as anything is kept

/** Reads a span from the address: 1h, or 1764219000-1764219900. */
export function spanOf(text: string, fallback: RangeName): Span {
  if (Object.hasOwn(RANGES, text)) return { live: text as RangeName }
  const [, from, to] = /^(\d{1,11})-(\d{1,11})$/.exec(text) ?? []
  if (from === undefined || Number(from) >= Number(to)) return { live: fallback }
  return between(Number(from), Number(to))
}

export function spanText(span: Span): string {
  return span.live ?? `${span.from}-${span.to}`
}

/** A moment in Unix seconds as the API takes it. */
export function stamp(seconds: number): string {
  return new Date(seconds * 1000).toISOString()
}

/** Whole seconds from one to the other, in either order; not too short to show anything, nor longer than is kept. */
export function between(a: number, b: number): Span {
  const middle = (a + b) / 2
  const half = Math.min(LONGEST, Math.max(SHORTEST, Math.abs(b - a))) / 2
  return { live: null, from: Math.max(0, Math.round(middle - half)), to: Math.round(middle + half) }
}

/** Where a span lies now. */
export function ends(span: Span, nowSeconds: number): { from: number; to: number } {
  return span.live === null ? span : { from: nowSeconds - RANGES[span.live], to: nowSeconds }
}

/** So many times as long, around the middle or another moment; what is to come is not shown. */
export function zoomed(span: Span, times: number, nowSeconds: number, around?: number): Span {
  const { from, to } = ends(span, nowSeconds)
  const centre = around ?? (from + to) / 2
  return notAfter(between(centre - (centre - from) * times, centre + (to - centre) * times), nowSeconds)
}

/** Earlier or later by a share of its length. */
export function shifted(span: Span, share: number, nowSeconds: number): Span {
  const { from, to } = ends(span, nowSeconds)
  const by = (to - from) * share
  return notAfter(between(from + by, to + by), nowSeconds)
}

function notAfter(span: Span, nowSeconds: number): Span {
  if (span.live !== null || span.to <= nowSeconds) return span
  const over = Math.ceil(span.to - nowSeconds)
  return { live: null, from: span.from - over, to: span.to - over }
}

export interface Grid {
  start: number
  end: number
  step: number
  rateWindow: string
}

const POINTS = 180

/** The moments that a span is asked for at, and the window its rates look back over: at least four samples, no step left out. */
export function gridOf(span: Span, nowSeconds: number, interval: number): Grid {
  const { from, to } = ends(span, nowSeconds)
  const least = Math.max(1, Math.min(5, Math.round(interval) || 5))
  const step = Math.max(span.live ? 5 : least, Math.round((to - from) / POINTS))
  const end = (span.live ? Math.floor(to / step) : Math.ceil(to / step)) * step
  const start = span.live ? end - Math.floor((to - from) / step) * step : Math.floor(from / step) * step
  return { start, end, step, rateWindow: rateWindow(interval, step) }
}

export function rateWindow(interval: number, step: number): string {
  return `${Math.ceil(Math.max(4 * interval, step + interval))}s`
}
