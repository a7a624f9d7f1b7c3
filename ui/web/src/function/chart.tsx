import { useComputedColorScheme } from '@mantine/core'
import { type KeyboardEvent, useEffect, useRef, useState } from 'react'
import type uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { formatBudget, formatUnit } from '../format/number'
import { formatClock } from '../format/time'
import { useSize } from '../parts/use-size'
import type { DashboardPanel } from '../wire.gen'
import styles from './chart.module.css'
import { type Mark, marksAt } from './marks'
import { type Drawn, isShare } from './model'
import { Moment } from './moment'
import { COLORS, type Content, dataOf, GUTTER, HEIGHT, isDashed, plotOf } from './plot'
import { between, zoomed } from './span'
import { Tip } from './tip'
import type { Shown } from './use-span'

interface ChartProps {
  panel: DashboardPanel
  drawn: Drawn | null // null: not asked yet
  busy: boolean // another time is being asked for
  error: string
  axis: { start: number; end: number }
  marks: readonly Mark[]
  shown: Shown
}

const NOTHING: Drawn = { times: [], lines: [], cells: [], left: 0 }
const LEAP = 10 // moments that a page key moves the cursor

/**
 * One panel: thin lines, a labelled axis, values beside the title instead of a legend. A part that is drawn over is
 * shown instead of the whole, by keyboard with Shift and the arrows, then Enter.
 */
export function Chart({ panel, drawn: loaded, busy, error, axis, marks, shown }: ChartProps) {
  const { ref, width } = useSize<HTMLDivElement>()
  const scheme = useComputedColorScheme('light')
  const plot = useRef<uPlot | null>(null)
  const [at, setAt] = useState<number | null>(null)
  const [mine, setMine] = useState(false) // the cursor is on this chart, not on another
  const anchor = useRef<number | null>(null) // where a part that is chosen by keyboard begins
  const drawn = loaded ?? NOTHING
  const latest = useRef<Content & { shown: Shown }>({ panel, drawn, marks, axis, shown })
  latest.current = { panel, drawn, marks, axis, shown }
  const { unit, stacked = false } = panel
  const heat = panel.kind === 'heatmap'
  const text = (value: number | null) => (isShare(panel) ? formatBudget(value) : formatUnit(value, unit))
  const labels = drawn.lines.map((l) => l.label).join('\n')

  // biome-ignore lint/correctness/useExhaustiveDependencies: lines are named by their labels; data and axis are set below
  useEffect(() => {
    const host = ref.current
    if (!host || width === 0) return
    plot.current = plotOf(host, width, () => latest.current, {
      point: setAt,
      choose: (from, to) => latest.current.shown.show(between(from, to)),
      reset: () => latest.current.shown.goLive(),
    })
    return () => {
      plot.current?.destroy()
      plot.current = null
    }
  }, [width, scheme, labels, unit, heat, stacked])

  // biome-ignore lint/correctness/useExhaustiveDependencies: the plot reads axis and marks itself when it draws
  useEffect(() => {
    plot.current?.setData(dataOf(drawn, stacked))
  }, [drawn, stacked, axis, marks])

  const time = at === null ? null : (drawn.times[at] ?? null)
  const values = drawn.lines.map((line) => `${line.label} ${text(valueAt(line.values, at))}`).join(', ')

  const half = (axis.end - axis.start) / Math.max(2, 2 * drawn.times.length)
  const then = time === null ? [] : marksAt(marks, time, half)
  const told = [values || 'no data', ...then.map((m) => m.detail)].join('; ')

  /** Moves the cursor of all charts to a moment of this one's; `null` takes it away. */
  const point = (next: number | null) => {
    const u = plot.current
    const value = next === null ? undefined : drawn.times[next]
    if (!u) return
    const left = value === undefined ? -10 : u.valToPos(value, 'x')
    u.setCursor({ left, top: value === undefined ? -10 : 1 }, true)
    const from = anchor.current === null ? undefined : drawn.times[anchor.current]
    const start = from === undefined ? left : u.valToPos(from, 'x')
    const none = from === undefined || value === undefined
    const height = none ? 0 : u.bbox.height / devicePixelRatio
    u.setSelect({ left: none ? 0 : Math.min(start, left), top: 0, width: none ? 0 : Math.abs(left - start), height }, false)
  }

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return
    const last = drawn.times.length - 1
    const here = at ?? last
    const step = STEPS[event.key]
    const now = Date.now() / 1000
    if (step !== undefined && last >= 0) {
      if (!event.shiftKey) anchor.current = null
      else anchor.current ??= here
      // The first press shows where the cursor is.
      const by = at === null && !event.shiftKey && Number.isFinite(step) ? 0 : step
      point(Math.max(0, Math.min(last, here + by)))
    } else if (event.key === 'Enter' || event.key === '+' || event.key === '=') {
      const from = anchor.current === null ? undefined : drawn.times[anchor.current]
      anchor.current = null
      point(null)
      if (from !== undefined && time !== null && from !== time) shown.show(between(from, time))
      else shown.show(zoomed(shown.span, 0.5, now, time ?? undefined))
    } else if (event.key === '-') {
      shown.show(zoomed(shown.span, 2, now))
    } else if (event.key === '0') {
      shown.goLive()
    } else if (event.key === 'Escape' && at !== null) {
      anchor.current = null
      point(null)
    } else {
      return
    }
    event.preventDefault()
  }

  return (
    <figure className={styles.panel}>
      <figcaption className={styles.caption}>
        <span className={styles.title}>
          <Tip text={panel.description}>{panel.title}</Tip>
        </span>
        <span className={styles.values}>
          {drawn.lines.map((line, i) => (
            <span
              key={line.label}
              className={styles.value}
              data-color={heat ? 'text' : (i % COLORS) + 1}
              data-dashed={isDashed(i)}
            >
              <i aria-hidden /> {line.label} <b>{text(valueAt(line.values, at))}</b>
            </span>
          ))}
          {drawn.left > 0 && <span className={styles.value}>{drawn.left} smaller not drawn</span>}
        </span>
      </figcaption>
      {/* A slider over time is what a reader can move, and hear values of. */}
      <div
        ref={ref}
        className={styles.plot}
        style={{ height: HEIGHT }}
        role="slider"
        aria-busy={busy}
        tabIndex={0}
        aria-label={`${panel.title} over time`}
        aria-valuemin={axis.start}
        aria-valuemax={axis.end}
        aria-valuenow={Math.round(time ?? axis.end)}
        aria-valuetext={`${time === null ? 'now' : formatClock(time * 1000, Date.now(), true)}: ${told}`}
        onKeyDown={onKeyDown}
        onPointerEnter={() => setMine(true)}
        onPointerLeave={() => setMine(false)}
        onFocus={() => setMine(true)}
        onBlur={() => {
          setMine(false)
          if (anchor.current === null && at === null) return
          anchor.current = null
          point(null)
        }}
      />
      {time !== null && plot.current && (
        <Moment
          time={time}
          marks={marks}
          whole={mine}
          left={plot.current.valToPos(time, 'x')}
          width={width - GUTTER}
          perPixel={(axis.end - axis.start) / Math.max(1, width - GUTTER)}
        />
      )}
      {busy && !loaded && drawn.lines.length === 0 && <p className={`${styles.empty} ${styles.coming}`}>Loading…</p>}
      {loaded && drawn.lines.length === 0 && !error && <p className={styles.empty}>No data in this time</p>}
      {error && <p className={styles.empty}>{error}</p>}
    </figure>
  )
}

const STEPS: Record<string, number> = {
  ArrowLeft: -1,
  ArrowDown: -1,
  ArrowRight: 1,
  ArrowUp: 1,
  PageDown: -LEAP,
  PageUp: LEAP,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
}

/** The value under the cursor, else the last one there is. */
function valueAt(values: readonly (number | null)[], at: number | null): number | null {
  if (at !== null) return values[at] ?? null
  for (let i = values.length - 1; i >= Math.max(0, values.length - 20); i--) {
    const value = values[i]
    if (value !== null && value !== undefined) return value
  }
  return null
}
