import type { SLO } from '../wire.gen'

/** The lengths that an SLO can have. */
export const WINDOWS = ['1h', '6h', '12h', '1d', '7d', '28d', '30d', '90d']

/** Latency objectives that a function can have. */
export const MOST_LATENCY = 4

/** Objectives as they stand in a form: percents and durations as people write them. */
export interface Terms {
  availability: string
  latency: LatencyTerms[]
  window: string
}

export interface LatencyTerms {
  key: number // of its row
  quantile: string
  threshold: string
}

/** Objectives as a manifest has them under slo. */
export interface Promised extends Record<string, unknown> {
  availability: number
  latency: { quantile: number; threshold: string }[]
  window: string
}

export function termsOf(slo: SLO): Terms {
  const availability = slo.objectives.find((o) => !o.threshold)
  return {
    availability: availability ? percentText(availability.ratio) : '',
    latency: slo.objectives
      .filter((o) => o.threshold)
      .map((o, key) => ({ key, quantile: percentText(o.ratio), threshold: thresholdText(o.threshold ?? 0) })),
    window: slo.window,
  }
}

/** What the form says, or what is wrong with it. */
export function parseTerms(terms: Terms): { slo?: Promised; wrong?: string } {
  const availability = percentOf(terms.availability)
  if (availability === null) return { wrong: 'Without error: a percentage from 50 to under 100, such as 99.9.' }
  const latency: Promised['latency'] = []
  for (const row of terms.latency) {
    const percent = percentOf(row.quantile)
    if (percent === null) return { wrong: 'Fast enough: a percentage from 50 to under 100, such as 99.' }
    const threshold = row.threshold.replaceAll(/\s/g, '')
    if (!/^(\d+(\.\d+)?(ms|s|m))+$/.test(threshold)) return { wrong: 'Under: a duration, such as 300ms or 1.5s.' }
    latency.push({ quantile: round(percent / 100), threshold })
  }
  return { slo: { availability, latency, window: terms.window } }
}

/** As it is written into hadron.yaml. */
export function yamlOf(slo: Promised): string {
  const rows = slo.latency.map((l) => `\n    - { quantile: ${l.quantile}, threshold: ${l.threshold} }`)
  return `slo:\n  availability: ${slo.availability}\n  latency:${rows.join('') || ' []'}\n  window: ${slo.window}\n`
}

/** The same promise, however it is written. */
export function sameTerms(a: Terms, b: Terms): boolean {
  const [x, y] = [parseTerms(a).slo, parseTerms(b).slo]
  return x !== undefined && y !== undefined && yamlOf(x) === yamlOf(y)
}

function percentOf(text: string): number | null {
  const trimmed = text.trim().replace(/\s*%$/, '').replace(',', '.')
  const value = Number(trimmed)
  return /^\d+(\.\d+)?$/.test(trimmed) && value >= 50 && value < 100 ? round(value) : null
}

function percentText(ratio: number): string {
  return String(round(ratio * 100))
}

function thresholdText(seconds: number): string {
  return seconds < 1 ? `${round(seconds * 1000)}ms` : `${round(seconds)}s`
}

/** Without the digits that binary fractions bring. */
function round(value: number): number {
  return Number(value.toFixed(8))
}
