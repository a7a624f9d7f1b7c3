import { parseTime } from '../format/time'
import type { Span, TraceDetail } from '../wire.gen'

/** One span's line: how deep it lies, and its part of the whole time. */
export interface Line {
  span: Span
  depth: number
  start: number // seconds after the trace's begin
  left: number // share of the whole
  width: number
}

export interface Waterfall {
  lines: Line[]
  seconds: number // of the whole
}

/** Spans below the one that caused them, in the order in which they began; one whose cause is elsewhere is a root. */
export function waterfallOf(trace: TraceDetail): Waterfall {
  const began = new Map(trace.spans.map((span) => [span, (parseTime(span.time) ?? 0) / 1000 + fraction(span.time)]))
  const at = (span: Span) => began.get(span) ?? 0
  const first = Math.min(...trace.spans.map(at))
  const seconds = Math.max(0, ...trace.spans.map((span) => at(span) - first + span.duration))
  const known = new Set(trace.spans.map((span) => span.id))
  const below = new Map<string, Span[]>()
  for (const span of trace.spans) {
    const parent = span.parent !== span.id && known.has(span.parent) ? span.parent : ''
    below.set(parent, [...(below.get(parent) ?? []), span])
  }
  const lines: Line[] = []
  const seen = new Set<string>()
  const add = (parent: string, depth: number) => {
    const spans = [...(below.get(parent) ?? [])].sort((a, b) => at(a) - at(b))
    for (const span of spans) {
      if (seen.has(span.id)) continue // a circle is nobody's trace
      seen.add(span.id)
      const start = at(span) - first
      lines.push({
        span,
        depth,
        start,
        left: seconds > 0 ? start / seconds : 0,
        width: seconds > 0 ? span.duration / seconds : 1,
      })
      add(span.id, depth + 1)
    }
  }
  add('', 0)
  return { lines, seconds }
}

/** What Date leaves out of a time: its digits behind the milliseconds, in seconds. */
function fraction(time: string): number {
  const digits = /\.\d{3}(\d{1,6})/.exec(time)?.[1]
  return digits ? Number(`0.000${digits}`) : 0
}
