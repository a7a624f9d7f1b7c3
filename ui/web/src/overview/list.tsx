import { useCallback, useEffect, useMemo, useRef, useState } from 'react'
import type { Topic } from '../live/topic'
import { pageTopic } from '../live/topics'
import { useTopics } from '../live/use-live'
import type { Health, StateCounts } from '../wire.gen'
import { Body } from './body'
import { Head } from './head'
import styles from './overview.module.css'
import { heightsOf, PAGE, pagesOf } from './pages'
import { badOf, parametersOf, type Query } from './query'
import { isBad, NarrowRow, type RowActions, WideRow } from './row'
import { Scroller } from './scroller'
import { useCalmOrder, useStateChanges } from './use-order'

export const ROW = 29
export const REASON = 25
export const NARROW = 54

/** Rows whose page is not asked for while the list is moving past it. */
const REST_MS = 120

interface ListProps extends RowActions {
  query: Query
  counts: StateCounts | undefined
  narrow: boolean
  setSort: (key: string) => void
  onClear: () => void
}

/** All functions that fit in one order. Only the pages in view are asked for, however many there are. */
export function List({ query, counts, narrow, setSort, onClear, ...actions }: ListProps) {
  const [numbers, setNumbers] = useState<readonly number[]>([0])
  const [held, setHeld] = useState(false)
  const parameters = useMemo(() => parametersOf(query), [query])
  const list = useMemo(() => JSON.stringify(parameters), [parameters])
  const specs = useMemo(
    () => numbers.map((n) => pageTopic({ ...parameters, from: n * PAGE, limit: PAGE })),
    [numbers, parameters],
  )
  const topics = useTopics(specs)
  const { start, items } = useMemo(() => contiguous(numbers, topics), [numbers, topics])
  const rows = useMemo(() => [...items.values()], [items])
  const ordered = useCalmOrder(rows, query.sort, held, `${list} ${start}`)
  const { changed, said } = useStateChanges(items)

  // While a page is on its way the list keeps its length, so that nothing jumps.
  const known = useRef({ list: '', total: 0 })
  const told = topics.find((topic) => topic.total !== undefined && !(topic.syncing && topic.items.size === 0))?.total
  if (told !== undefined) known.current = { list, total: told }
  const total = told ?? (known.current.list === list ? known.current.total : 0)

  const bad = query.sort === 'worst' ? badOf(counts, query.states) : 0
  const remembered = useMemo(() => ({ list, narrow, heights: new Map<number, number>() }), [list, narrow]).heights
  const heights = useMemo(
    () =>
      heightsOf(
        total,
        { start, rows: ordered },
        (h) => (narrow ? NARROW : isBad(h) ? ROW + REASON : ROW),
        (i) => (narrow ? NARROW : i < bad ? ROW + REASON : ROW),
        remembered,
      ),
    [total, start, ordered, narrow, bad, remembered],
  )

  const timer = useRef(0)
  const onRange = useCallback((first: number, last: number) => {
    const next = pagesOf(first, last)
    window.clearTimeout(timer.current)
    timer.current = window.setTimeout(() => {
      setNumbers((now) => (now.join() === next.join() ? now : next))
    }, REST_MS)
  }, [])
  useEffect(() => () => window.clearTimeout(timer.current), [])

  const Row = narrow ? NarrowRow : WideRow
  const [one] = rows
  return (
    <Body
      error={topics.find((topic) => topic.error)?.error ?? null}
      empty={total === 0}
      syncing={topics.some((topic) => topic.syncing)}
      filtered={query.text !== '' || query.states.length > 0 || query.scope !== ''}
      onClear={onClear}
    >
      <div className={`${styles.table} live-data`} role="table" aria-label="Functions" aria-rowcount={total + 1}>
        <Head sort={query.sort} setSort={setSort} window={one?.window ?? ''} />
        <Scroller
          list={list}
          heights={heights}
          onRange={onRange}
          onHold={setHeld}
          render={(index, top, height) => {
            const health = ordered[index - start]
            if (!health) return <Coming key={`row ${index}`} index={index} top={top} height={height} />
            return (
              <Row
                key={health.function}
                health={health}
                index={index}
                top={top}
                height={height}
                changed={changed.has(health.function)}
                {...actions}
              />
            )
          }}
        />
      </div>
      <div className="visually-hidden" role="status" aria-live="polite">
        {said}
      </div>
    </Body>
  )
}

/** The pages that are there, up to the first one that is not, and the place of their first row. */
function contiguous(
  numbers: readonly number[],
  topics: readonly Topic<Health>[],
): { start: number; items: ReadonlyMap<string, Health> } {
  const there = (topic: Topic<Health>) => topic.seq !== null || topic.items.size > 0
  const first = topics.findIndex(there)
  const items = new Map<string, Health>()
  for (let i = Math.max(0, first); i < topics.length; i++) {
    const topic = topics[i]
    if (!topic || !there(topic)) break
    for (const [name, health] of topic.items) items.set(name, health)
  }
  return { start: (numbers[Math.max(0, first)] ?? 0) * PAGE, items }
}

/** A row whose page is on its way. */
function Coming({ index, top, height }: { index: number; top: number; height: number }) {
  return (
    <div className={styles.coming} role="row" aria-rowindex={index + 2} style={{ transform: `translateY(${top}px)`, height }}>
      <span role="cell">
        <i />
        <span className="visually-hidden">loading</span>
      </span>
    </div>
  )
}
