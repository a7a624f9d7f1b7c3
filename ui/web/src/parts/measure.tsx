import styles from './measure.module.css'

/** A thin track with the objective in its middle: what is right of the mark is too much. */
export function Meter({ value, target }: { value: number | null | undefined; target: number }) {
  if (value === null || value === undefined || !(target > 0)) return <span className={styles.meter} aria-hidden />
  const fill = Math.min(1, value / (2 * target))
  return (
    <svg className={styles.meter} viewBox="0 0 32 8" preserveAspectRatio="none" aria-hidden>
      <rect className={styles.track} x="0" y="2" width="32" height="4" rx="1" />
      <rect className={value > target ? styles.over : styles.fill} x="0" y="2" width={Math.max(0, fill * 32)} height="4" rx="1" />
      <rect className={styles.mark} x="15.5" y="0" width="1" height="8" />
    </svg>
  )
}

/** The error budget that is left, as a bar that empties. */
export function BudgetBar({ left }: { left: number | null | undefined }) {
  const share = Math.max(0, Math.min(1, left ?? 0))
  const level = left === null || left === undefined ? 'none' : left <= 0 ? 'gone' : left < 0.25 ? 'low' : 'good'
  return (
    <svg className={styles.budget} data-level={level} viewBox="0 0 48 8" preserveAspectRatio="none" aria-hidden>
      <rect className={styles.track} x="0" y="1" width="48" height="6" rx="1" />
      <rect className={styles.left} x="0" y="1" width={share * 48} height="6" rx="1" />
    </svg>
  )
}
