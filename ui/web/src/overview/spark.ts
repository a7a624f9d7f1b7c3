/** The path of a sparkline in a box; it ends at the right edge and starts from zero. */
export function sparkPath(values: readonly number[], width: number, height: number, slots = 24): string {
  if (values.length < 2) return ''
  const top = Math.max(...values, 1e-9)
  const dx = width / (slots - 1)
  const x0 = width - dx * (values.length - 1)
  return values
    .map((v, i) => {
      const x = (x0 + i * dx).toFixed(1)
      const y = (height - 1 - (Math.max(0, v) / top) * (height - 2)).toFixed(1)
      return `${i === 0 ? 'M' : 'L'}${x} ${y}`
    })
    .join('')
}

/** The same line with the ground under it. */
export function sparkArea(values: readonly number[], width: number, height: number, slots = 24): string {
  const line = sparkPath(values, width, height, slots)
  if (line === '') return ''
  const left = width - (width / (slots - 1)) * (values.length - 1)
  return `${line}V${height}H${left.toFixed(1)}Z`
}
