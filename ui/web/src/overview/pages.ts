/** Functions of one page that is asked for. */
export const PAGE = 100

/** The pages that hold the rows [first, last): their numbers, and one where there is no row. */
export function pagesOf(first: number, last: number): number[] {
  const from = Math.floor(Math.max(0, first) / PAGE)
  const to = Math.floor(Math.max(first, last - 1, 0) / PAGE)
  return Array.from({ length: to - from + 1 }, (_, i) => from + i)
}

/** Rows that are known, by their place in the whole list. */
export interface Loaded<T> {
  start: number
  rows: readonly T[]
}

/**
 * The heights of all rows: of those that are loaded their own, of others what is
 * remembered, else a guess: `bad` of them come first and are tall, where the order says so.
 */
export function heightsOf<T>(
  total: number,
  loaded: Loaded<T>,
  height: (row: T) => number,
  guess: (index: number) => number,
  remembered: Map<number, number>,
): Float64Array {
  const out = new Float64Array(total)
  for (let i = 0; i < total; i++) {
    const row = loaded.rows[i - loaded.start]
    if (row !== undefined) {
      out[i] = height(row)
      if (out[i] === guess(i)) remembered.delete(i)
      else remembered.set(i, out[i] as number)
    } else out[i] = remembered.get(i) ?? guess(i)
  }
  return out
}
