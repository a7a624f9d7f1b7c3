import styles from './overview.module.css'
import type { SortKey } from './rows'

const COLUMNS: { key: SortKey | ''; label: string; hint: string }[] = [
  { key: 'worst', label: 'state', hint: 'worst first' },
  { key: 'name', label: 'function', hint: 'by name' },
  { key: 'rate', label: 'req/s', hint: 'requests a second, most first' },
  { key: 'errors', label: 'errors', hint: 'share of requests that fail, beside what the objective allows; most first' },
  { key: 'p50', label: 'p50', hint: 'half of all answers are faster than this' },
  { key: 'p99', label: 'p99', hint: 'one answer of a hundred is slower than this; beside it the objective' },
  { key: 'inflight', label: 'in flight', hint: 'requests that are being answered now' },
  { key: 'budget', label: 'budget', hint: 'what is left of the error budget; least first' },
  { key: '', label: 'version', hint: 'what live names, with its share in percent' },
  { key: 'deployed', label: 'deployed', hint: 'newest first' },
]

/** The names of the columns; each sorts. */
export function Head({ sort, setSort, window: slo }: { sort: SortKey; setSort: (key: string) => void; window: string }) {
  return (
    <div className={styles.head} role="row" aria-rowindex={1}>
      {COLUMNS.map((column) => {
        const label = column.key === 'budget' && slo ? `budget ${slo}` : column.label
        return (
          <div
            key={column.label}
            role="columnheader"
            data-column={column.key || column.label}
            title={column.hint}
            aria-sort={column.key === sort ? (sort === 'name' ? 'ascending' : 'descending') : undefined}
          >
            {column.key ? (
              <button type="button" data-active={column.key === sort} onClick={() => setSort(column.key)}>
                {label}
                {column.key === sort && <span aria-hidden>{sort === 'name' ? ' ↑' : ' ↓'}</span>}
              </button>
            ) : (
              label
            )}
          </div>
        )
      })}
    </div>
  )
}
