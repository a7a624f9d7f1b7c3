import { useMemo } from 'react'
import { useFetch } from '../api/use-fetch'
import { formatNumber } from '../format/number'
import { alerts } from '../live/topics'
import { useTopic } from '../live/use-live'
import { Link } from '../parts/link'
import { STATES, State, type StateName } from '../parts/state'
import styles from './overview.module.css'
import type { Counts } from './rows'

interface SummaryProps {
  counts: Counts
  window: string
  state: StateName | ''
  setState: (state: string) => void
}

/** One line that answers "is anything wrong"; its states filter the table. */
export function Summary({ counts, state, setState }: SummaryProps) {
  const topic = useTopic(alerts)
  const firing = useMemo(() => [...topic.items.values()].filter((a) => a.state === 'firing'), [topic.items])
  const pages = firing.filter((a) => a.class === 'page').length
  return (
    <div className={`${styles.summary} live-data`}>
      <fieldset className={styles.filters}>
        <legend className="visually-hidden">Show only functions that are</legend>
        {STATES.map((name) => {
          const count = counts.byState[name]
          if (count === 0 && state !== name) return null
          return (
            <button
              key={name}
              type="button"
              className={styles.count}
              data-state={name}
              aria-pressed={state === name}
              onClick={() => setState(state === name ? '' : name)}
            >
              <b>{formatCount(count)}</b> <State state={name} />
            </button>
          )
        })}
      </fieldset>
      {firing.length > 0 && (
        <Link to="/alerts" className={styles.fact} data-bad={pages > 0}>
          {pages > 0 ? `${pages} ${pages === 1 ? 'page' : 'pages'} open` : `${firing.length} firing, no page`}
        </Link>
      )}
      {counts.rollouts.length > 0 && <span className={styles.fact}>{rolloutWords(counts)}</span>}
      <Platform />
    </div>
  )
}

function formatCount(n: number): string {
  return n < 10_000 ? String(n) : formatNumber(n)
}

function rolloutWords({ rollouts }: Counts): string {
  const [one] = rollouts
  if (rollouts.length > 1 || !one) return `${rollouts.length} rollouts`
  const newest = one.versions.reduce((a, b) => (b.version > a.version ? b : a))
  return `1 rollout at ${Math.round(newest.share * 100)}\u202f%`
}

/** Whether the server says of itself that it is ready. */
function Platform() {
  const ready = useFetch<unknown>('/readyz', 15_000)
  if (ready.error && ready.error.status > 0) {
    return (
      <span className={styles.fact} data-bad title={ready.error.message}>
        platform not ready
      </span>
    )
  }
  return ready.error ? null : <span className={`${styles.fact} ${styles.calm}`}>platform ok</span>
}
