const NARROW = '\u202f' // a narrow space that does not break, between number and unit
const NONE = '–'

function trim(value: number, digits: number): string {
  return value.toFixed(digits)
}

/** A count or rate: whole from 10 on, one decimal below, and thousands shortened, whole ones without a decimal. */
export function formatNumber(value: number | null | undefined): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return NONE
  const size = Math.abs(value)
  if (size >= 999_500) return `${trim(value / 1e6, size >= 9_950_000 || Number.isInteger(value / 1e6) ? 0 : 1)}${NARROW}M`
  if (size >= 9_950) return `${trim(value / 1e3, size >= 99_500 || Number.isInteger(value / 1e3) ? 0 : 1)}${NARROW}k`
  if (size >= 9.95 || Number.isInteger(value)) return trim(value, 0)
  if (size < 0.05) return value < 0 ? '>-0.1' : '<0.1'
  return trim(value, 1)
}

/** A ratio as percent. Small ones keep two decimals: 0.02 % is not 0. */
export function formatPercent(ratio: number | null | undefined): string {
  if (ratio === null || ratio === undefined || !Number.isFinite(ratio)) return NONE
  const percent = ratio * 100
  const size = Math.abs(percent)
  const digits = size >= 99.95 || (size >= 9.95 && Number.isInteger(Math.round(percent * 10) / 10)) ? 0 : size >= 0.995 ? 1 : 2
  return `${trim(percent, digits)}${NARROW}%`
}

/** A share that is shown whole: budgets and traffic. */
export function formatShare(ratio: number | null | undefined): string {
  if (ratio === null || ratio === undefined || !Number.isFinite(ratio)) return NONE
  const percent = ratio * 100
  if (percent > 99 && percent < 100) return `99${NARROW}%` // 100 only where nothing is missing
  return `${trim(percent, 0)}${NARROW}%`.replace('-0', '0')
}

/** What is left of an error budget; one that is spent more than twice over is so in words. */
export function formatBudget(left: number | null | undefined): string {
  if (left !== null && left !== undefined && left < -0.995) return `${left < -999.5 ? '>999' : formatNumber(-left)}× over`
  return formatShare(left)
}

/** Seconds as a duration with its unit. */
export function formatSeconds(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return NONE
  if (seconds === 0) return `0${NARROW}ms`
  const ms = seconds * 1000
  if (ms < 0.1) return `<0.1${NARROW}ms`
  if (ms < 9.95) return `${trim(ms, 1)}${NARROW}ms`
  if (ms < 999.5) return `${trim(ms, 0)}${NARROW}ms`
  if (seconds < 9.95) return `${trim(seconds, 1)}${NARROW}s`
  if (seconds < 119.5) return `${trim(seconds, 0)}${NARROW}s`
  if (seconds < 7170) return `${trim(seconds / 60, 0)}${NARROW}min`
  if (seconds < 171_000) return `${trim(seconds / 3600, 0)}${NARROW}h`
  return `${trim(seconds / 86_400, 0)}${NARROW}d`
}

export function formatBytes(bytes: number): string {
  if (bytes < 1000) return `${trim(bytes, 0)}${NARROW}B`
  if (bytes < 999_500) return `${trim(bytes / 1e3, bytes < 99_500 ? 1 : 0)}${NARROW}kB`
  if (bytes < 999_500_000) return `${trim(bytes / 1e6, 1)}${NARROW}MB`
  return `${trim(bytes / 1e9, 1)}${NARROW}GB`
}

/** A value in a panel's unit: s, reqps, cps, percentunit, bytes, x, or a plain number. */
export function formatUnit(value: number | null | undefined, unit: string): string {
  switch (unit) {
    case 's':
      return formatSeconds(value)
    case 'percentunit':
      return formatPercent(value)
    case 'bytes':
      return value === null || value === undefined ? NONE : formatBytes(value)
    case 'reqps':
    case 'cps':
      return value === null || value === undefined ? NONE : `${formatNumber(value)}/s`
    case 'x':
      return value === null || value === undefined ? NONE : `${formatNumber(value)}×`
    default:
      return formatNumber(value)
  }
}

/** A label of an axis: exact where formatUnit would round, and 0 without a unit. */
export function formatTick(value: number, unit: string): string {
  const size = Math.abs(value)
  if (size === 0) return '0'
  if (unit === 's' && size < 1e-3) return `${Number((value * 1e6).toPrecision(2))}${NARROW}µs`
  if (unit === 'percentunit') return `${Number((value * 100).toPrecision(3))}${NARROW}%`
  if (unit === 's' || size >= 10) return formatUnit(value, unit)
  return formatUnit(1, unit).replace('1', String(Number(value.toPrecision(2))))
}
