import { formatNumber } from '../format/number'
import type { QuotaUse } from '../wire.gen'
import styles from './teams.module.css'

/** The quotas in the order in which people ask for them. */
export const QUOTAS = [
  { name: 'functions', label: 'functions' },
  { name: 'versions', label: 'versions' },
  { name: 'requests', label: 'requests/s' },
  { name: 'concurrency', label: 'at once' },
  { name: 'memory', label: 'memory' },
  { name: 'secrets', label: 'secrets' },
] as const

/** From this share on a quota is shown as nearly used up. */
const NEARLY = 0.8

interface UseProps {
  usage: readonly QuotaUse[]
  name: string
  label: string
}

/** What is used of one quota, and what is allowed; without a bound only the first. */
export function Use({ usage, name, label }: UseProps) {
  const use = usage.find((u) => u.name === name)
  if (!use) return <span className={styles.none}>–</span>
  const share = use.allowed > 0 ? use.used / use.allowed : 0
  const level = share >= 1 ? 'full' : share >= NEARLY ? 'nearly' : 'fine'
  return (
    <span className={styles.use} data-level={level}>
      <span className={styles.label}>{label} </span>
      {amount(use.used, use.unit)}
      {use.allowed > 0 && <span className={styles.allowed}> / {amount(use.allowed, use.unit)}</span>}
      {level !== 'fine' && <span className={styles.word}>{level === 'full' ? ' full' : ' nearly full'}</span>}
    </span>
  )
}

export function amount(value: number, unit: string | undefined): string {
  if (unit === 'bytes') return `${formatNumber(value / 2 ** 20)}\u202fMiB`
  return formatNumber(value)
}
