import type { Point } from '../api/prometheus'
import { formatBudget, formatUnit } from '../format/number'
import { Link } from '../parts/link'
import type { DashboardPanel } from '../wire.gen'
import styles from './chart.module.css'
import { cellURL, columnsOf, legendOf, levelOf, rowsOf, type TableColumn, type TableRow } from './model'
import type { Span } from './span'
import { Tip } from './tip'
import { useInView, useRows } from './use-panel'

interface RowsProps {
  panel: DashboardPanel
  interval: number
  span: Span
}

/** A panel of rows: a table, or bars of which the longest is first. */
export function Rows({ panel, interval, span }: RowsProps) {
  const { ref, inView } = useInView<HTMLDivElement>()
  const { data, error } = useRows(panel, interval, span, inView)
  const rows = data && panel.kind === 'table' ? rowsOf(panel, data) : []
  const bars = data && panel.kind === 'bars' ? (data[0] ?? []).filter((p) => p.value > 0) : []
  return (
    <div ref={ref} className={styles.cell}>
      <figure className={styles.panel}>
        <figcaption className={styles.caption}>
          <span className={styles.title}>
            <Tip text={panel.description}>{panel.title}</Tip>
          </span>
        </figcaption>
        {rows.length > 0 && <Table panel={panel} rows={rows} />}
        {bars.length > 0 && <Bars panel={panel} bars={bars} />}
        {data && rows.length + bars.length === 0 && !error && <p className={styles.none}>None</p>}
        {error && <p className={styles.none}>{error.message}</p>}
      </figure>
    </div>
  )
}

function Table({ panel, rows }: { panel: DashboardPanel; rows: readonly TableRow[] }) {
  const columns = columnsOf(panel)
  return (
    <div className={styles.scroll}>
      <table className={styles.rows}>
        <thead>
          <tr>
            {columns.map((c) => (
              <th key={c.title} data-number={c.labels.length === 0}>
                {c.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={columns.flatMap((c) => c.labels.map((l) => row.labels[l])).join(' ')}>
              {columns.map((c) => (
                <Cell key={c.title} of={c} row={row} />
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

function Cell({ of: { labels, column }, row }: { of: TableColumn; row: TableRow }) {
  if (labels.length > 0) {
    const to = column.url ? cellURL(column.url, row.labels) : ''
    const parts = labels.map((l) => row.labels[l] ?? '')
    const text = (
      <>
        {parts.length > 1 && <span className={styles.path}>{parts.slice(0, -1).join('/')}/</span>}
        {parts.at(-1)}
      </>
    )
    return <td>{to.startsWith('/') ? <Link to={to}>{text}</Link> : text}</td>
  }
  const value = row.values[column.query] ?? null
  const unit = column.unit ?? ''
  return (
    <td data-number data-level={levelOf({ thresholds: column.thresholds, base: column.base ?? '' }, value)}>
      {unit === 'percentunit' && value !== null && value < 0 ? formatBudget(value) : formatUnit(value, unit)}
    </td>
  )
}

function Bars({ panel, bars }: { panel: DashboardPanel; bars: readonly Point[] }) {
  const most = Math.max(panel.max ?? 0, ...bars.map((b) => b.value))
  return (
    <ul className={styles.bars}>
      {bars.map((bar) => (
        <li key={legendOf('__auto', bar.labels)} data-level={levelOf(panel, bar.value)}>
          <span className={styles.barName}>{legendOf(panel.queries[0]?.legend ?? '', bar.labels)}</span>
          <b>{formatUnit(bar.value, panel.unit)}</b>
          <i aria-hidden style={{ width: `${most > 0 ? (100 * bar.value) / most : 0}%` }} />
        </li>
      ))}
    </ul>
  )
}
