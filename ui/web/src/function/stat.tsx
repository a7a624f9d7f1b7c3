import { formatBudget, formatUnit } from '../format/number'
import { BudgetBar } from '../parts/measure'
import type { DashboardPanel } from '../wire.gen'
import styles from './function-page.module.css'
import { isShare, levelOf, wordOf } from './model'
import type { Span } from './span'
import { Tip } from './tip'
import { useStat } from './use-panel'

interface StatProps {
  panel: DashboardPanel
  interval: number
  span: Span
  /** What it is called, where that is not the panel's title. */
  label?: string
}

/** A panel that is one number: the one at the end of the span. */
export function Stat({ panel, interval, span, label = panel.title }: StatProps) {
  const { data, error } = useStat(panel, interval, span)
  const share = isShare(panel)
  return (
    <div className={styles.fact}>
      <dt>
        <Tip text={panel.description}>{label}</Tip>
      </dt>
      <dd data-level={levelOf(panel, data)} title={error?.message}>
        {wordOf(panel, data) ??
          (share ? formatBudget(data) : data === 0 && panel.unit === 's' ? '0' : formatUnit(data, panel.unit))}{' '}
        {share && <BudgetBar left={data} />}
      </dd>
    </div>
  )
}
