import { useMemo } from 'react'
import { useFetch } from '../api/use-fetch'
import { formatNumber } from '../format/number'
import { alertsOf } from '../live/topics'
import { useTopic } from '../live/use-live'
import { Link } from '../parts/link'
import { STATES, State } from '../parts/state'
import type { Summary as Counts } from '../wire.gen'
import { type Firing, firingOf, firingWords } from './firing'
import styles from './overview.module.css'
import { type Query, toggled } from './query'
import { Views } from './views'

interface SummaryProps {
  query: Query
  counts: Counts | undefined
  setState: (state: string) => void
  setScope: (scope: string) => void
  setGroup: (group: string) => void
}

/** One line that answers "is anything wrong"; its states filter the table. */
export function Summary({ query, counts, setState, setScope, setGroup }: SummaryProps) {
  const firing = useFiring(query.scope)
  return (
    <div className={`${styles.summary} live-data`}>
      <fieldset className={styles.filters}>
        <legend className="visually-hidden">Show only functions that are</legend>
        {STATES.map((name) => {
          const count = counts?.states[name] ?? 0
          const pressed = query.states.includes(name)
          if (count === 0 && !pressed) return null
          return (
            <button
              key={name}
              type="button"
              className={styles.count}
              data-state={name}
              aria-pressed={pressed}
              onClick={() => setState(toggled(query.states, name))}
            >
              <b>{formatCount(count)}</b> <State state={name} />
            </button>
          )
        })}
      </fieldset>
      {query.scope && (
        <span className={styles.scope}>
          in <b>{query.scope}</b>{' '}
          <button type="button" aria-label={`Show all, not only ${query.scope}`} onClick={() => setScope('')}>
            ×
          </button>
        </span>
      )}
      {firing.all > 0 && (
        <Link to="/alerts" className={styles.fact} data-bad={firing.pages > 0}>
          {firingWords(firing)}
        </Link>
      )}
      {counts && counts.rollouts > 0 && <span className={styles.fact}>{rolloutWords(counts)}</span>}
      <Platform />
      <span className={styles.tools}>
        <button type="button" aria-pressed={query.grouped} onClick={() => setGroup(query.grouped ? '' : 'project')}>
          By project
        </button>
        <Views />
        <Link to={`/wall${window.location.search}`} className={styles.tool}>
          Wall
        </Link>
      </span>
    </div>
  )
}

/** What fires of the functions in a scope. */
export function useFiring(scope: string): Firing {
  const topic = useTopic(useMemo(() => alertsOf(scope), [scope]))
  return useMemo(() => firingOf(topic.items.values()), [topic.items])
}

export function formatCount(n: number): string {
  return n < 10_000 ? String(n) : formatNumber(n)
}

function rolloutWords({ rollouts, rollout }: Counts): string {
  if (rollouts > 1 || !rollout) return `${rollouts} rollouts`
  return `1 rollout at ${Math.round(rollout.share * 100)}\u202f%`
}

/** Whether the server says of itself that it is ready. */
function Platform() {
  const ready = useFetch<unknown>('/readyz', 15_000)
  if (ready.error && ready.error.status > 0) {
    return (
      <Link to="/system" className={styles.fact} data-bad title={ready.error.message}>
        platform not ready
      </Link>
    )
  }
  return ready.error ? null : (
    <Link to="/system" className={`${styles.fact} ${styles.calm}`}>
      platform ok
    </Link>
  )
}
