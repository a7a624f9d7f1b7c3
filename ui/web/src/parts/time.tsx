import type { MouseEvent, ReactNode } from 'react'
import { formatAge, formatClock, formatUTC, parseTime } from '../format/time'

interface MomentProps {
  at: string | number
  children: (ms: number) => ReactNode
}

/** A moment; the viewer's clock and UTC on hover. */
function Moment({ at, children }: MomentProps) {
  const ms = typeof at === 'number' ? at : parseTime(at)
  if (ms === null) return <span>–</span>
  return (
    <time dateTime={new Date(ms).toISOString()} onMouseEnter={tell}>
      {children(ms)}
    </time>
  )
}

/** What is told on hover is not made before: tables have hundreds of times, and nobody points at most of them. */
function tell({ currentTarget: time }: MouseEvent<HTMLTimeElement>) {
  const ms = Date.parse(time.dateTime)
  time.title = `${formatClock(ms, Date.now(), true)} here, ${formatUTC(ms)}`
}

/** A moment on the viewer's clock. */
export function Clock({ at, now, seconds = false }: { at: string | number; now: number; seconds?: boolean }) {
  return <Moment at={at}>{(ms) => formatClock(ms, now, seconds)}</Moment>
}

/** How long ago. */
export function Ago({ at, now, suffix = ' ago' }: { at: string | number; now: number; suffix?: string }) {
  return (
    <Moment at={at}>
      {(ms) => (
        <>
          {formatAge(now - ms)}
          {suffix}
        </>
      )}
    </Moment>
  )
}
