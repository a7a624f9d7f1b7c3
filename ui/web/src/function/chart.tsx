import { useComputedColorScheme } from '@mantine/core'
import { useEffect, useRef, useState } from 'react'
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { formatBudget, formatTick, formatUnit } from '../format/number'
import { useSize } from '../parts/use-size'
import type { DashboardPanel } from '../wire.gen'
import styles from './chart.module.css'
import { type Drawn, isShare, scaleOf, stack } from './model'
import { drawCells, drawMarks, drawThresholds, type Mark, type Pen } from './strokes'
import { Tip } from './tip'

interface ChartProps {
  panel: DashboardPanel
  drawn: Drawn | null // null: not asked yet
  error: string
  axis: { start: number; end: number }
  marks: readonly Mark[]
}

const GUTTER = 58
const HEIGHT = 132
const GROUP = 'function' // charts that share a crosshair
const NOTHING: Drawn = { times: [], lines: [], cells: [] }

/** One panel: thin lines, a labelled axis, values beside the title instead of a legend. */
export function Chart({ panel, drawn: loaded, error, axis, marks }: ChartProps) {
  const { ref, width } = useSize<HTMLDivElement>()
  const scheme = useComputedColorScheme('light')
  const plot = useRef<uPlot | null>(null)
  const [at, setAt] = useState<number | null>(null)
  const drawn = loaded ?? NOTHING
  const latest = useRef({ panel, drawn, marks, axis })
  latest.current = { panel, drawn, marks, axis }
  const { unit, stacked = false } = panel
  const heat = panel.kind === 'heatmap'
  const text = (value: number | null) => (isShare(panel) ? formatBudget(value) : formatUnit(value, unit))
  const labels = drawn.lines.map((l) => l.label).join('\n')

  // biome-ignore lint/correctness/useExhaustiveDependencies: lines are named by their labels; data and axis are set below
  useEffect(() => {
    const host = ref.current
    if (!host || width === 0) return
    const css = getComputedStyle(document.documentElement)
    const color = (name: string) => css.getPropertyValue(name).trim()
    const pen: Pen = { color, font: `${11 * devicePixelRatio}px ${color('--font')}`, ratio: devicePixelRatio }
    const shared = { stroke: color('--faint'), font: `11px ${color('--font')}`, ticks: { show: false } }
    const grid = { stroke: color('--line'), width: 1 }
    const u = new uPlot(
      {
        width,
        height: HEIGHT,
        padding: [16, 8, 0, 0],
        legend: { show: false },
        cursor: { sync: { key: GROUP }, y: false, points: { size: 5 }, drag: { x: false, y: false } },
        scales: {
          x: { time: true, range: () => [latest.current.axis.start, latest.current.axis.end] },
          y: heat
            ? { distr: 3, range: () => heatRange(latest.current.drawn) }
            : { range: (_, low, high) => scaleOf(latest.current.panel, low, high) },
        },
        axes: [
          { ...shared, grid: { show: false }, size: 22, gap: 4, space: 70, values: clockTicks },
          {
            ...shared,
            grid,
            size: GUTTER,
            space: 30,
            gap: 6,
            values: (_, splits) => splits.map((v) => formatTick(v, unit)),
            ...(heat && { splits: (_u: uPlot, _i: number, min: number, max: number) => decades(min, max), filter: (_u, s) => s }),
          },
        ],
        series: [
          {},
          ...drawn.lines.map((line, i) => ({
            label: line.label,
            stroke: color(heat ? '--text' : `--chart-${(i % 5) + 1}`),
            width: heat ? 1 : 1.4,
            points: { show: false },
            spanGaps: false,
            fill: heat ? undefined : stacked ? `${color(`--chart-${(i % 5) + 1}`)}2e` : undefined,
          })),
        ],
        bands: stacked ? drawn.lines.slice(1).map((_, i) => ({ series: [i + 2, i + 1] as [number, number] })) : [],
        hooks: {
          setCursor: [(plot) => setAt(plot.cursor.idx ?? null)],
          drawAxes: [(plot) => drawCells(plot, latest.current.drawn, pen)],
          draw: [
            (plot) => {
              drawThresholds(plot, latest.current.panel.thresholds, pen)
              drawMarks(plot, latest.current.marks, latest.current.axis, pen)
            },
          ],
        },
      },
      dataOf(drawn, stacked),
      host,
    )
    plot.current = u
    return () => {
      plot.current = null
      u.destroy()
    }
  }, [width, scheme, labels, unit, heat, stacked])

  // biome-ignore lint/correctness/useExhaustiveDependencies: the plot reads axis and marks itself when it draws
  useEffect(() => {
    plot.current?.setData(dataOf(drawn, stacked))
  }, [drawn, stacked, axis, marks])

  return (
    <figure className={styles.panel}>
      <figcaption className={styles.caption}>
        <span className={styles.title}>
          <Tip text={panel.description}>{panel.title}</Tip>
        </span>
        <span className={styles.values}>
          {drawn.lines.map((line, i) => (
            <span key={line.label} className={styles.value} data-color={heat ? 'text' : (i % 5) + 1}>
              <i aria-hidden /> {line.label} <b>{text(valueAt(line.values, at))}</b>
            </span>
          ))}
        </span>
      </figcaption>
      <div ref={ref} className={styles.plot} style={{ height: HEIGHT }} aria-hidden />
      {loaded && drawn.lines.length === 0 && !error && <p className={styles.empty}>No data in this time</p>}
      {error && <p className={styles.empty}>{error}</p>}
    </figure>
  )
}

function dataOf(drawn: Drawn, stacked: boolean): uPlot.AlignedData {
  const rows = drawn.lines.map((l) => l.values)
  return [drawn.times, ...(stacked ? stack(rows) : rows)] as uPlot.AlignedData
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

/** Where a heatmap's buckets lie. */
function heatRange(drawn: Drawn): [number, number] {
  let low = Number.POSITIVE_INFINITY
  let high = 0
  for (const cell of drawn.cells) {
    low = Math.min(low, cell.low)
    high = Math.max(high, cell.high)
  }
  return high > 0 ? [low / 1.2, high * 1.2] : [0.001, 1]
}

/** Values to label on a logarithmic axis: few, and round. */
function decades(min: number, max: number): number[] {
  const steps = Math.log10(max / min) > 3 ? [1] : Math.log10(max / min) > 1.2 ? [1, 3] : [1, 2, 5]
  const out: number[] = []
  for (let e = Math.floor(Math.log10(min)); e <= Math.ceil(Math.log10(max)); e++) {
    for (const s of steps) out.push(Number(`${s}e${e}`))
  }
  return out.filter((v) => v >= min && v <= max)
}

const hours = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const days = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short' })

function clockTicks(_: uPlot, splits: number[]): string[] {
  let before = ''
  return splits.map((t) => {
    const date = new Date(t * 1000)
    const day = days.format(date)
    const text = before !== '' && day !== before ? day : hours.format(date)
    before = day
    return text
  })
}
