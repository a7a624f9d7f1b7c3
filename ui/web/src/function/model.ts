import type { Cell, Matrix, Point } from '../api/prometheus'
import type { DashboardColumn, DashboardPanel } from '../wire.gen'

/** What a chart draws: one time axis, one row of values per line, and the buckets of a heatmap. */
export interface Drawn {
  times: number[]
  lines: { label: string; values: (number | null)[] }[]
  cells: Cell[]
  /** Lines that there are besides, and are smaller. */
  left: number
}

/** Lines of one chart: as many as the sharpest query asks for, each told apart by its colour and its dashes. */
const MOST_LINES = 10

/** Joins the answers of a panel's queries, all on one grid, and names their lines. */
export function drawnOf(panel: DashboardPanel, answers: readonly Matrix[]): Drawn {
  const lines: Drawn['lines'] = []
  panel.queries.forEach((query, i) => {
    const found = (answers[i]?.lines ?? []).map((line) => ({
      label: query.heatmap ? 'mean' : legendOf(query.legend, line.labels) || 'none',
      values: line.values,
    }))
    found.sort((a, b) => a.label.localeCompare(b.label, undefined, { numeric: true }))
    lines.push(...found)
  })
  const known = lines.filter((line) => line.values.some((v) => v !== null))
  // In a stack a line of zeros would only paint over the one below it.
  const more = panel.stacked ? known.filter((line) => line.values.some((v) => v !== null && v !== 0)) : known
  const all = more.length > 0 ? more : known
  return {
    times: answers[0]?.times ?? [],
    lines: largest(all),
    cells: answers.flatMap((a) => a.cells).filter((c) => c.low > 0),
    left: Math.max(0, all.length - MOST_LINES),
  }
}

/** As many lines as are drawn, those with the most under them, in the order they had. */
function largest(lines: Drawn['lines']): Drawn['lines'] {
  if (lines.length <= MOST_LINES) return lines
  const area = new Map(lines.map((line) => [line, line.values.reduce((sum: number, v) => sum + Math.abs(v ?? 0), 0)]))
  const kept = new Set([...lines].sort((a, b) => (area.get(b) ?? 0) - (area.get(a) ?? 0)).slice(0, MOST_LINES))
  return lines.filter((line) => kept.has(line))
}

/** Lines put upon one another, the first at the bottom. Where one has a gap, it adds nothing. */
export function stack(lines: readonly (number | null)[][]): (number | null)[][] {
  const sum: (number | null)[] = []
  return lines.map((values) =>
    values.map((value, i) => {
      if (value === null) return sum[i] ?? null
      sum[i] = (sum[i] ?? 0) + value
      return sum[i]
    }),
  )
}

/** Panels in lines as wide as the dashboard's 24 columns, as Grafana lays them out. */
export function linesOf(panels: readonly DashboardPanel[]): DashboardPanel[][] {
  const lines: DashboardPanel[][] = []
  let width = 24
  for (const panel of panels) {
    if (width + panel.width > 24) {
      lines.push([])
      width = 0
    }
    lines[lines.length - 1]?.push(panel)
    width += panel.width
  }
  return lines
}

/** A panel whose value is what is left of a whole. */
export function isShare(panel: Pick<DashboardPanel, 'unit' | 'max'>): boolean {
  return panel.unit === 'percentunit' && panel.max === 1
}

/** Fills a legend from a series' labels. */
export function legendOf(template: string, labels: Record<string, string>): string {
  // Grafana's name for "all labels that tell lines apart".
  if (template === '__auto')
    return (
      Object.keys(labels)
        .filter((l) => l !== '__name__')
        .sort()
        .map((l) => labels[l])
        .join(' ') || 'all'
    )
  return template.replace(/\{\{\s*([a-zA-Z_]\w*)\s*\}\}/g, (_, label: string) => labels[label] ?? '')
}

/** Puts values for the variables that Grafana would fill. */
export function filled(expr: string, rateWindow: string, window = '15m'): string {
  return expr
    .replaceAll('$__rate_interval', rateWindow)
    .replaceAll('$version', '.+')
    .replaceAll('$instance', '.+')
    .replaceAll('$window', window)
}

/** A row of a table: its labels, and for each query of the panel its value. */
export interface TableRow {
  labels: Record<string, string>
  values: (number | null)[]
}

const MOST_ROWS = 50

/** Joins the answers of a table's queries: what has the same labels is one row. The first value that differs decides the order. */
export function rowsOf(panel: Pick<DashboardPanel, 'columns'>, answers: readonly (readonly Point[])[]): TableRow[] {
  const labels = (panel.columns ?? []).flatMap((c) => (c.label ? [c.label] : []))
  const rows = new Map<string, TableRow>()
  answers.forEach((points, i) => {
    for (const point of points) {
      const key = labels.map((l) => point.labels[l] ?? '').join('\n')
      const row = rows.get(key) ?? { labels: point.labels, values: answers.map(() => null) }
      row.values[i] = point.value
      rows.set(key, row)
    }
  })
  // The store gives topk highest and bottomk lowest first, which a map keeps.
  return [...rows.values()].slice(0, MOST_ROWS)
}

/** A column of a table with what its cells are made of; a function's name is one cell. */
export interface TableColumn {
  title: string
  labels: readonly string[] // none: a value
  column: DashboardColumn
}

const NAME = ['team', 'project', 'function']

/** The columns of a table, those of a function's name put together. */
export function columnsOf(panel: Pick<DashboardPanel, 'columns'>): TableColumn[] {
  const columns = panel.columns ?? []
  const named = NAME.every((label) => columns.some((c) => c.label === label))
  return columns.flatMap((column): TableColumn[] => {
    if (!column.label) return [{ title: column.title, labels: [], column }]
    if (!named || !NAME.includes(column.label)) return [{ title: column.title, labels: [column.label], column }]
    return column.label === 'function' ? [{ title: column.title, labels: NAME, column }] : []
  })
}

/** Where a cell leads: {{label}} stands for a label of its row. Within Hadron it is a path. */
export function cellURL(template: string, labels: Record<string, string>): string {
  const url = template.replace(/\{\{(\w+)\}\}/g, (_, label: string) => encodeURIComponent(labels[label] ?? ''))
  return /\/f\/[^?#]*$/.exec(url)?.[0] ?? url
}

/** What a value is called, where the panel's values are states. */
export function wordOf(panel: Pick<DashboardPanel, 'words'>, value: number | null): string | null {
  return panel.words?.find((w) => w.value === value)?.text ?? null
}

/** What a value means: the level of the highest threshold that it reached; '' where nothing was agreed on. */
export function levelOf(panel: Pick<DashboardPanel, 'thresholds' | 'base'>, value: number | null): string {
  if (value === null || panel.thresholds.length === 0) return ''
  let level = panel.base || 'good'
  for (const t of panel.thresholds) if (value >= t.value) level = t.level
  return level
}

const FAR = 10

/** The ends of a panel's scale: its data, and of the thresholds those passed and the next one, unless that is far off. */
export function scaleOf(
  panel: Pick<DashboardPanel, 'thresholds' | 'min' | 'max'>,
  low: number | null,
  high: number | null,
): [number, number] {
  const least = Math.min(0, low ?? 0)
  // What has a most is a share: how far below its opposite it lies is told by its number.
  const bottom = panel.min ?? (panel.max === undefined ? least : Math.max(least, -panel.max))
  if (panel.max !== undefined) return [bottom, panel.max + (panel.max - bottom) * 0.04]
  const data = high ?? 0
  const next = Math.min(...panel.thresholds.map((t) => t.value).filter((v) => v > data))
  const top = Number.isFinite(next) && (data <= 0 || next <= data * FAR) ? Math.max(data, next) : data
  return [bottom, top > bottom ? bottom + (top - bottom) * 1.15 : bottom + 1]
}
