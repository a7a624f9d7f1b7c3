import { formatBudget, formatUnit } from '../format/number'
import { BudgetBar } from '../parts/measure'
import type { DashboardPanel } from '../wire.gen'
import styles from './function-page.module.css'
import { isShare, levelOf, wordOf } from './model'
import { Tip } from './tip'
import { useStat } from './use-panel'

/** A panel that is one number. */
export function Stat({ panel, interval }: { panel: DashboardPanel; interval: number }) {
  const { data, error } = useStat(panel, interval)
  const share = isShare(panel)
  return (
    <div className={styles.fact}>
      <dt>
        <Tip text={panel.description}>{panel.title}</Tip>
      </dt>
      <dd data-level={levelOf(panel, data)} title={error?.message}>
        {wordOf(panel, data) ??
          (share ? formatBudget(data) : data === 0 && panel.unit === 's' ? '0' : formatUnit(data, panel.unit))}{' '}
        {share && <BudgetBar left={data} />}
      </dd>
    </div>
  )
}
