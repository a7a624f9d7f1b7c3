import { request } from './http'

/** One series of a range answer, values aligned to Matrix.times; a gap is null. Of histograms they are the mean. */
export interface Line {
  labels: Record<string, string>
  values: (number | null)[]
}

/** One bucket of a histogram at one time. */
export interface Cell {
  time: number // Unix seconds
  low: number
  high: number
  count: number
}

export interface Matrix {
  times: number[]
  lines: Line[]
  cells: Cell[]
}

interface Histogram {
  count: string
  sum: string
  buckets?: [rule: number, low: string, high: string, count: string][]
}

interface Series {
  metric: Record<string, string>
  values?: [number, string][]
  histograms?: [number, Histogram][]
}

interface Answer<T> {
  status: string
  data: { resultType: string; result: T[] }
}

/** Asks the Prometheus API for a range; times are Unix seconds, `end` included. */
export async function queryRange(
  query: string,
  range: { start: number; end: number; step: number },
  signal?: AbortSignal,
): Promise<Matrix> {
  const params = new URLSearchParams({
    query,
    start: String(range.start),
    end: String(range.end),
    step: String(range.step),
  })
  const answer = await request<Answer<Series>>(`/prometheus/api/v1/query_range?${params}`, { signal })
  return align(answer.data.result, range)
}

/** Asks for one value at a moment, which is now where it is null: the first series' one, or null where there is none. */
export async function queryOne(query: string, at: number | null, signal?: AbortSignal): Promise<number | null> {
  return (await queryAll(query, at, signal))[0]?.value ?? null
}

/** One series' value at one moment. */
export interface Point {
  labels: Record<string, string>
  value: number
}

/** Asks for the value of each series at a moment, in Unix seconds, or now; what is no finite number is left out. */
export async function queryAll(query: string, at: number | null, signal?: AbortSignal): Promise<Point[]> {
  const path = `/prometheus/api/v1/query?${new URLSearchParams({ query, ...(at !== null && { time: String(at) }) })}`
  const answer = await request<Answer<{ metric: Record<string, string>; value?: [number, string] }>>(path, { signal })
  return answer.data.result
    .map(({ metric, value }) => ({ labels: metric, value: Number(value?.[1] ?? Number.NaN) }))
    .filter((point) => Number.isFinite(point.value))
}

/** Puts each series on the range's own grid, so that all panels share one axis. */
export function align(result: readonly Series[], range: { start: number; end: number; step: number }): Matrix {
  const count = Math.max(0, Math.floor((range.end - range.start) / range.step + 1e-6) + 1)
  const times = Array.from({ length: count }, (_, i) => range.start + i * range.step)
  const cells: Cell[] = []
  const lines = result.map(({ metric, values, histograms }) => {
    const row: (number | null)[] = new Array(count).fill(null)
    const put = (t: number, value: number) => {
      const at = Math.round((t - range.start) / range.step)
      if (at >= 0 && at < count && Number.isFinite(value)) row[at] = value
    }
    for (const [t, text] of values ?? []) put(t, Number(text))
    for (const [t, h] of histograms ?? []) {
      put(t, Number(h.sum) / Number(h.count))
      for (const [, low, high, n] of h.buckets ?? []) {
        cells.push({ time: t, low: Number(low), high: Number(high), count: Number(n) })
      }
    }
    return { labels: metric, values: row }
  })
  return { times, lines, cells }
}
