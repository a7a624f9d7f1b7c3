import type { Span } from '../wire.gen'

/** A span as it is drawn: from and width are shares of the whole trace. */
export type Bar = { span: Span; depth: number; from: number; width: number }

/** Narrower than this, a bar could not be seen. */
const LEAST = 0.01

/** Milliseconds since 1970, with what a Date cuts off: calls are short. */
function moment(text: string): number {
  const finer = /\.\d{3}(\d+)/.exec(text)?.[1]
  return (Date.parse(text) || 0) + (finer ? Number(`0.${finer}`) : 0)
}

/** The spans, each behind its parent. One whose parent is elsewhere stands for itself. */
export function bars(spans: readonly Span[]): Bar[] {
  const begins = spans.map((s) => moment(s.time))
  const began = Math.min(...begins)
  const whole = Math.max(...spans.map((s, i) => (begins[i] ?? began) - began + s.duration * 1000), 1e-6)
  const known = new Set(spans.map((s) => s.id))
  const below = new Map<string, Span[]>()
  for (const s of spans) {
    const parent = known.has(s.parent) && s.parent !== s.id ? s.parent : ''
    below.set(parent, [...(below.get(parent) ?? []), s])
  }
  const out: Bar[] = []
  const seen = new Set<string>()
  const walk = (parent: string, depth: number) => {
    for (const span of below.get(parent) ?? []) {
      if (seen.has(span.id)) continue // what calls itself its ancestor
      seen.add(span.id)
      const from = Math.min((moment(span.time) - began) / whole, 1 - LEAST)
      out.push({ span, depth, from, width: Math.min(Math.max((span.duration * 1000) / whole, LEAST), 1 - from) })
      walk(span.id, depth + 1)
    }
  }
  walk('', 0)
  return out
}
