import { formatAge, formatClock, formatUTC, parseTime } from '../format/time'

/** A moment on the viewer's clock; UTC on hover. */
export function Clock({ at, now, seconds = false }: { at: string | number; now: number; seconds?: boolean }) {
  const ms = typeof at === 'number' ? at : parseTime(at)
  if (ms === null) return <span>–</span>
  return (
    <time dateTime={new Date(ms).toISOString()} title={formatUTC(ms)}>
      {formatClock(ms, now, seconds)}
    </time>
  )
}

/** How long ago; the clock and UTC on hover. */
export function Ago({ at, now, suffix = ' ago' }: { at: string | number; now: number; suffix?: string }) {
  const ms = typeof at === 'number' ? at : parseTime(at)
  if (ms === null) return <span>–</span>
  return (
    <time dateTime={new Date(ms).toISOString()} title={`${formatClock(ms, now, true)} here, ${formatUTC(ms)}`}>
      {formatAge(now - ms)}
      {suffix}
    </time>
  )
}
