import type uPlot from 'uplot'
import type { DashboardThreshold } from '../wire.gen'
import type { Mark } from './marks'
import type { Drawn } from './model'

/** What is drawn with on a chart's canvas. */
export interface Pen {
  color: (name: string) => string
  font: string
  ratio: number
}

const LEVELS: Record<string, string> = { bad: '--failing', warn: '--degraded' }

/**
 * Thresholds as dashed lines that say what was agreed on; one above the scale is named with an arrow. Where names
 * would overlap, the lower one goes without.
 */
export function drawThresholds(u: uPlot, thresholds: readonly DashboardThreshold[], { color, font, ratio }: Pen): void {
  const { ctx } = u
  const { left, top, width, height } = u.bbox
  ctx.save()
  ctx.lineWidth = ratio
  ctx.setLineDash([4 * ratio, 3 * ratio])
  ctx.font = font
  ctx.textAlign = 'left'
  ctx.textBaseline = 'bottom'
  const line = 13 * ratio
  let free = top - 1
  for (const t of [...thresholds].reverse()) {
    const y = Math.round(u.valToPos(t.value, 'y', true)) + 0.5
    if (y > top + height) continue
    ctx.strokeStyle = ctx.fillStyle = color(LEVELS[t.level] ?? '--muted')
    const outside = y < top
    if (!outside) {
      ctx.globalAlpha = 0.6
      stroke(ctx, left, y, left + width, y)
      ctx.globalAlpha = 1
    }
    const above = y - 2 * ratio
    const bottom = outside ? top + line : above - line >= free ? above : y + line
    if (!t.label || bottom - line < free || bottom > top + height) continue
    ctx.fillText(outside ? `↑ ${t.label}` : t.label, left + 4 * ratio, bottom)
    free = bottom
  }
  ctx.restore()
}

const MARKS: Record<Mark['kind'], string> = { deployment: '--accent', alert: '--failing', ticket: '--degraded' }

/**
 * Deployments, and alerts with the time that they fired. Deployments are named first, the newest before: where names
 * would overlap, one goes without.
 */
export function drawMarks(
  u: uPlot,
  marks: readonly Mark[],
  axis: { start: number; end: number },
  { color, font, ratio }: Pen,
): void {
  const { ctx } = u
  const { left, top, width, height } = u.bbox
  ctx.save()
  ctx.lineWidth = ratio
  ctx.font = font
  ctx.textAlign = 'left'
  ctx.textBaseline = 'bottom'
  const taken: [number, number][] = []
  const newest = [...marks].reverse()
  const isAlert = (mark: Mark) => mark.kind !== 'deployment'
  const at = (time: number) => Math.round(u.valToPos(time, 'x', true)) + 0.5
  for (const mark of [...newest.filter((m) => !isAlert(m)), ...newest.filter(isAlert)]) {
    ctx.strokeStyle = ctx.fillStyle = color(MARKS[mark.kind])
    if (mark.until !== undefined) {
      const from = at(Math.max(mark.time, axis.start))
      const to = at(Math.min(mark.until ?? axis.end, axis.end))
      ctx.globalAlpha = 0.07
      if (to > from) ctx.fillRect(from, top, to - from, height)
    }
    if (mark.time < axis.start || mark.time > axis.end) continue
    const x = at(mark.time)
    ctx.setLineDash(isAlert(mark) ? [2 * ratio, 2 * ratio] : [])
    ctx.globalAlpha = 0.75
    stroke(ctx, x, top, x, top + height)
    ctx.globalAlpha = 1
    const wide = ctx.measureText(mark.label).width
    const textX = Math.min(x - wide / 2, left + width - wide)
    if (taken.some(([from, to]) => textX < to && textX + wide > from)) continue
    ctx.fillText(mark.label, textX, top - 2 * ratio)
    taken.push([textX - 6 * ratio, textX + wide + 6 * ratio])
  }
  ctx.restore()
}

/** A heatmap's buckets; the fuller, the stronger. */
export function drawCells(u: uPlot, { cells, times }: Drawn, { color }: Pen): void {
  if (cells.length === 0) return
  const { ctx } = u
  const { left, top, width, height } = u.bbox
  const most = cells.reduce((max, cell) => Math.max(max, cell.count), 0)
  const step = (times[1] ?? 0) - (times[0] ?? 0)
  ctx.save()
  ctx.beginPath()
  ctx.rect(left, top, width, height)
  ctx.clip()
  ctx.fillStyle = color('--chart-1')
  for (const cell of cells) {
    if (!(cell.count > 0)) continue
    const x = Math.round(u.valToPos(cell.time - step, 'x', true))
    const right = Math.round(u.valToPos(cell.time, 'x', true))
    const y = Math.round(u.valToPos(cell.high, 'y', true))
    const bottom = Math.round(u.valToPos(cell.low, 'y', true))
    ctx.globalAlpha = 0.08 + 0.82 * Math.sqrt(cell.count / most)
    ctx.fillRect(x, y, Math.max(1, right - x), Math.max(1, bottom - y))
  }
  ctx.restore()
}

function stroke(ctx: CanvasRenderingContext2D, x1: number, y1: number, x2: number, y2: number): void {
  ctx.beginPath()
  ctx.moveTo(x1, y1)
  ctx.lineTo(x2, y2)
  ctx.stroke()
}
