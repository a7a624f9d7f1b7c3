/** Where each row starts, and where the last one ends: one number more than rows. */
export function offsets(heights: ArrayLike<number>): Float64Array {
  const out = new Float64Array(heights.length + 1)
  let at = 0
  for (let i = 0; i < heights.length; i++) {
    out[i] = at
    at += heights[i] ?? 0
  }
  out[heights.length] = at
  return out
}

/** The rows [first, last) that are in view, with `spare` more on each side. */
export function visibleRange(starts: Float64Array, top: number, height: number, spare: number): [number, number] {
  const count = starts.length - 1
  if (count <= 0) return [0, 0]
  const first = rowAt(starts, top)
  const last = rowAt(starts, top + height) + 1
  return [Math.max(0, first - spare), Math.min(count, last + spare)]
}

function rowAt(starts: Float64Array, y: number): number {
  let low = 0
  let high = starts.length - 2
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((starts[middle] ?? 0) <= y) low = middle
    else high = middle - 1
  }
  return low
}
