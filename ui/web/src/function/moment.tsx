import { formatClock, formatUTC } from '../format/time'
import styles from './chart.module.css'
import { type Mark, marksAt } from './marks'
import { GUTTER } from './plot'

interface MomentProps {
  time: number // Unix seconds
  marks: readonly Mark[]
  whole: boolean // in UTC too, and what happened then; else the clock alone
  left: number // of the plot, in pixels
  width: number
  perPixel: number // seconds
}

const NEAR = 6 // pixels
const MOST = 3

/** What the cursor points at: the time, and what was deployed or fired then. */
export function Moment({ time, marks, whole, left, width, perPixel }: MomentProps) {
  const right = left > width / 2
  const there = whole ? marksAt(marks, time, NEAR * perPixel).slice(-MOST) : []
  return (
    <div
      className={styles.moment}
      data-moment={time}
      aria-hidden
      style={right ? { right: width - left + 6 } : { left: GUTTER + left + 6 }}
    >
      {formatClock(time * 1000, Date.now(), true)} {whole && <small>{formatUTC(time * 1000)}</small>}
      {there.map((m) => (
        <span key={`${m.time} ${m.detail}`} data-kind={m.kind}>
          {m.detail}
        </span>
      ))}
    </div>
  )
}
