import uPlot from 'uplot'
import { dateFormat } from '../format/date-format'
import { formatTick } from '../format/number'
import type { DashboardPanel } from '../wire.gen'
import type { Mark } from './marks'
import { type Drawn, scaleOf, stack } from './model'
import { drawCells, drawMarks, drawThresholds, type Pen } from './strokes'

export const GUTTER = 58 // of the values, in pixels
export const HEIGHT = 132
const RIGHT = 8 // beside the plot, in pixels
const HALF_LETTER = 3 // of the axis' labels, in pixels
const GROUP = 'charts' // those that share a cursor
const FAR = 6 // pixels that the pointer is drawn to mean a part of time

/** What a plot draws; it is read anew each time. */
export interface Content {
  panel: DashboardPanel
  drawn: Drawn
  marks: readonly Mark[]
  axis: { start: number; end: number }
}

export interface Gestures {
  /** The moment under the cursor, by its place among the times, or none. */
  point: (at: number | null) => void
  /** A part of the axis was drawn over. Unix seconds. */
  choose: (from: number, to: number) => void
  reset: () => void
}

/** A plot of a panel's lines, which draws what `content` says now. */
export function plotOf(host: HTMLElement, width: number, content: () => Content, gestures: Gestures): uPlot {
  const { panel, drawn } = content()
  const { unit, stacked = false } = panel
  const heat = panel.kind === 'heatmap'
  const css = getComputedStyle(document.documentElement)
  const color = (name: string) => css.getPropertyValue(name).trim()
  const pen: Pen = { color, font: `${11 * devicePixelRatio}px ${color('--font')}`, ratio: devicePixelRatio }
  const shared = { stroke: color('--faint'), font: `11px ${color('--font')}`, ticks: { show: false } }
  const grid = { stroke: color('--line'), width: 1 }
  const options: uPlot.Options = {
    width,
    height: HEIGHT,
    padding: [16, RIGHT, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: GROUP },
      y: false,
      points: { size: 5 },
      drag: { x: true, y: false, setScale: false, dist: FAR },
      bind: {
        dblclick: () => () => {
          gestures.reset()
          return null
        },
      },
    },
    scales: {
      x: { time: true, range: () => [content().axis.start, content().axis.end] },
      y: heat
        ? { distr: 3, range: () => heatRange(content().drawn) }
        : { range: (_, low, high) => scaleOf(content().panel, low, high) },
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
        stroke: color(heat ? '--text' : `--chart-${(i % COLORS) + 1}`),
        width: heat ? 1 : 1.4,
        dash: isDashed(i) ? [5, 3] : undefined,
        points: { show: false },
        spanGaps: false,
        fill: heat ? undefined : stacked ? `${color(`--chart-${(i % COLORS) + 1}`)}2e` : undefined,
      })),
    ],
    bands: stacked ? drawn.lines.slice(1).map((_, i) => ({ series: [i + 2, i + 1] as [number, number] })) : [],
    hooks: {
      setCursor: [(u) => gestures.point(u.cursor.idx ?? null)],
      setSelect: [
        (u) => {
          const { left, width } = u.select
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          // Plots that share the cursor show the same part; the one that it was drawn on tells of it.
          if (u.cursor.event && width >= FAR) gestures.choose(u.posToVal(left, 'x'), u.posToVal(left + width, 'x'))
        },
      ],
      drawAxes: [(u) => drawCells(u, content().drawn, pen)],
      draw: [
        (u) => {
          drawThresholds(u, content().panel.thresholds, pen)
          drawMarks(u, content().marks, content().axis, pen)
        },
      ],
    },
  }
  return new uPlot(options, dataOf(drawn, stacked), host)
}

/** Colours that lines have; what comes after them has them again, dashed. */
export const COLORS = 5

export function isDashed(line: number): boolean {
  return line >= COLORS
}

export function dataOf(drawn: Drawn, stacked: boolean): uPlot.AlignedData {
  const rows = drawn.lines.map((l) => l.values)
  return [drawn.times, ...(stacked ? stack(rows) : rows)] as uPlot.AlignedData
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

const seconds = dateFormat({ hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' })
const hours = dateFormat({ hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
const days = dateFormat({ day: 'numeric', month: 'short' })

/** Clock times, but for one that the right edge would cut. */
function clockTicks(u: uPlot, splits: number[]): string[] {
  let before = ''
  const [first = 0, second = Number.POSITIVE_INFINITY] = splits
  const clock = second - first < 60 ? seconds : hours
  return splits.map((t) => {
    const date = new Date(t * 1000)
    const day = days(date)
    const text = before !== '' && day !== before ? day : clock(date)
    before = day
    const end = u.valToPos(t, 'x') + text.length * HALF_LETTER
    return end > u.bbox.width / devicePixelRatio + RIGHT ? '' : text
  })
}
