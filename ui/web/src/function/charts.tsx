import { useMemo, useRef } from 'react'
import { useNow } from '../live/use-live'
import type { DashboardPanel, DashboardRow } from '../wire.gen'
import { Chart } from './chart'
import styles from './chart.module.css'
import type { Mark } from './marks'
import { type Drawn, linesOf } from './model'
import { Rows } from './rows'
import { gridOf } from './span'
import { Stat } from './stat'
import { useInView, usePanel } from './use-panel'
import type { Shown } from './use-span'

interface ChartsProps {
  rows: readonly DashboardRow[]
  interval: number
  shown: Shown
  marks: readonly Mark[]
}

/** Rows of the function's dashboard, all under one time axis. */
export function Charts({ rows, interval, shown, marks }: ChartsProps) {
  const now = useNow()
  // The axis moves with the grid that is asked for, not with each render.
  const { start, end } = gridOf(shown.span, now / 1000, interval)
  const axis = useMemo(() => ({ start, end }), [start, end])
  return rows.map((row) => {
    const stats = row.panels.filter((p) => !isChart(p))
    return (
      <section key={row.id} className={styles.row} aria-label={row.title}>
        <header className={styles.rowHead}>
          <h2>{row.title}</h2>
          {stats.length > 0 && (
            <dl className={styles.stats}>
              {stats.map((panel) => (
                <Stat key={panel.id} panel={panel} interval={interval} span={shown.span} />
              ))}
            </dl>
          )}
        </header>
        {linesOf(row.panels).map((line) => (
          <div key={line[0]?.id} className={styles.line} data-rows={line.some(isRows)}>
            {line
              .filter(isChart)
              .map((panel) =>
                isRows(panel) ? (
                  <Rows key={panel.id} panel={panel} interval={interval} span={shown.span} />
                ) : (
                  <Panel key={panel.id} panel={panel} interval={interval} shown={shown} axis={axis} marks={marks} />
                ),
              )}
          </div>
        ))}
      </section>
    )
  })
}

export function isChart(panel: DashboardPanel): boolean {
  return panel.kind !== 'stat'
}

/** A panel that is a list of rows: what is now, not over time. */
function isRows(panel: DashboardPanel): boolean {
  return panel.kind === 'table' || panel.kind === 'bars'
}

interface PanelProps {
  panel: DashboardPanel
  interval: number
  shown: Shown
  axis: { start: number; end: number }
  marks: readonly Mark[]
}

function Panel({ panel, interval, shown, axis, marks }: PanelProps) {
  const { ref, inView } = useInView<HTMLDivElement>()
  const { data, error } = usePanel(panel, shown.span, interval, inView)
  // Until another time is loaded, what is known of it stands on the new axis.
  const known = useRef<Drawn | null>(null)
  if (data) known.current = data
  return (
    <div ref={ref} className={styles.cell}>
      <Chart
        panel={panel}
        drawn={data ?? known.current}
        busy={inView && !data && !error}
        error={error?.message ?? ''}
        axis={axis}
        marks={marks}
        shown={shown}
      />
    </div>
  )
}
