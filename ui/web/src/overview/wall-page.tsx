import { useMemo } from 'react'
import { formatNumber, formatPercent, formatSeconds } from '../format/number'
import { pageTopic, summaryTopic } from '../live/topics'
import { useNow, useTopic } from '../live/use-live'
import { Link } from '../parts/link'
import { STATES, State, stateName } from '../parts/state'
import { Clock } from '../parts/time'
import { useSize } from '../parts/use-size'
import { useSearch } from '../router'
import type { Health } from '../wire.gen'
import { Body } from './body'
import { firingWords } from './firing'
import { parametersOf, parseQuery } from './query'
import { isBad, Matter } from './row'
import { sortRows } from './rows'
import { formatCount, useFiring } from './summary'
import { useStateChanges } from './use-order'
import styles from './wall.module.css'

const MOST = 500 // functions of one page
const TILE = { width: 232, height: 62, gap: 6 }

/** For a big screen that nobody touches: how many are wrong, and which, as many as fit. */
export default function WallPage() {
  const search = useSearch()
  const query = useMemo(() => parseQuery(search), [search])
  const counts = useTopic(useMemo(() => summaryTopic(parametersOf(query)), [query])).items.get('summary')
  const topic = useTopic(useMemo(() => pageTopic({ ...parametersOf(query), limit: MOST }), [query]))
  const firing = useFiring(query.scope)
  const now = useNow()
  const { ref, width, height } = useSize<HTMLDivElement>()
  const { changed, said } = useStateChanges(topic.items)
  const rows = useMemo(() => sortRows([...topic.items.values()], query.sort), [topic.items, query.sort])
  const columns = Math.max(1, Math.floor((width + TILE.gap) / (TILE.width + TILE.gap)))
  const lines = Math.max(1, Math.floor((height + TILE.gap) / (TILE.height + TILE.gap)))
  const shown = rows.slice(0, columns * lines)
  const more = (topic.total ?? 0) - shown.length
  return (
    <div className={styles.wall}>
      <h1 className="visually-hidden">Wall of functions</h1>
      <header className={`${styles.head} live-data`}>
        {STATES.map((state) => {
          const count = counts?.states[state] ?? 0
          if (count === 0 && state !== 'failing') return null
          return (
            <div key={state} className={styles.count} data-state={state} data-none={count === 0}>
              <b>{formatCount(count)}</b>
              <State state={state} />
            </div>
          )
        })}
        <div className={styles.facts}>
          {query.scope && <span>{query.scope}</span>}
          {firing.all > 0 && <span data-bad={firing.pages > 0}>{firingWords(firing)}</span>}
          {counts && (
            <span>
              {formatNumber(counts.rate)} req/s · {formatPercent(counts.errorRatio)} errors · {formatNumber(counts.inFlight)} in
              flight
            </span>
          )}
          <span className={styles.clock}>
            <Clock at={now} now={now} />
          </span>
        </div>
        <Link to={`/${search}`} className={styles.leave}>
          Leave the wall
        </Link>
      </header>
      <div ref={ref} className={styles.fit}>
        <Body
          error={topic.error}
          empty={topic.items.size === 0}
          syncing={topic.syncing}
          filtered={query.text !== '' || query.states.length > 0 || query.scope !== ''}
          onClear={() => window.location.assign('/wall')}
        >
          <ul
            className={`${styles.tiles} live-data`}
            style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))`, gridAutoRows: TILE.height, gap: TILE.gap }}
          >
            {shown.map((h) => (
              <Tile key={h.function} health={h} changed={changed.has(h.function)} />
            ))}
          </ul>
        </Body>
      </div>
      <p className={styles.more}>{more > 0 ? `and ${formatCount(more)} more that are no worse` : '\u00a0'}</p>
      <div className="visually-hidden" role="status" aria-live="polite">
        {said}
      </div>
    </div>
  )
}

function Tile({ health: h, changed }: { health: Health; changed: boolean }) {
  const cut = h.function.lastIndexOf('/') + 1
  return (
    <li className={styles.tile} data-state={stateName(h.state)} data-changed={changed} data-function={h.function}>
      <Link to={`/f/${h.function}`} title={h.reason}>
        <span className={styles.name}>
          <State state={stateName(h.state)} word={false} /> {h.function.slice(cut)}
        </span>
        <span className={styles.matter}>{isBad(h) ? <Matter health={h} /> : `${formatNumber(h.rate)}/s`}</span>
        <span className={styles.path}>{h.function.slice(0, cut - 1)}</span>
        <span className={styles.side}>{isBad(h) ? `@${h.versions.map((v) => v.version).join('+')}` : formatSeconds(h.p99)}</span>
      </Link>
    </li>
  )
}
