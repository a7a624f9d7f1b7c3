import { Button } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useCallback, useMemo, useRef, useState } from 'react'
import { previousVersions } from '../function/previous'
import { Rollback } from '../function/rollback'
import { deployments, overview } from '../live/topics'
import { useConnection, useLink, useNow, useTopic } from '../live/use-live'
import { Loading, Notice } from '../parts/notice'
import { stateName } from '../parts/state'
import { useSize } from '../parts/use-size'
import { useParam } from '../router'
import type { Health } from '../wire.gen'
import styles from './overview.module.css'
import { isBad, NarrowRow, WideRow } from './row'
import { countRows, filterRows, offersRollback, type SortKey, sortKey } from './rows'
import { Summary } from './summary'
import { useCalmOrder, useStateChanges } from './use-order'
import { offsets, visibleRange } from './window'

const ROW = 29
const REASON = 25
const NARROW = 54
const SPARE = 8

const COLUMNS: { key: SortKey | ''; label: string; side?: 'right'; className?: string }[] = [
  { key: 'worst', label: 'state' },
  { key: 'name', label: 'function' },
  { key: 'rate', label: 'req/s' },
  { key: 'errors', label: 'errors' },
  { key: 'p99', label: 'p99' },
  { key: 'budget', label: 'budget' },
  { key: '', label: 'version' },
  { key: 'deployed', label: 'deployed' },
]

/** Every function, worst first: is anything wrong, since when, what changed. */
export function Overview() {
  const topic = useTopic(overview)
  const recent = useTopic(deployments)
  const now = useNow()
  const [text] = useParam('q')
  const [stateParam, setState] = useParam('state')
  const [sortParam, setSort] = useParam('sort', 'worst')
  const sort = sortKey(sortParam)
  const state = stateParam ? stateName(stateParam) : ''
  const [held, setHeld] = useState(false)
  const [target, setTarget] = useState<Health | null>(null)

  const counts = useMemo(() => countRows(topic.items.values()), [topic.items])
  const rows = useMemo(() => filterRows(topic.items.values(), { text, state }), [topic.items, text, state])
  const ordered = useCalmOrder(rows, sort, held)
  const { changed, said } = useStateChanges(topic.items)
  const previous = useMemo(() => previousVersions(recent.items.values()), [recent.items])

  return (
    <div className={styles.page}>
      <h1 className="visually-hidden">All functions</h1>
      <Summary counts={counts} window={firstWindow(topic.items)} state={state} setState={setState} />
      <Body
        topicError={topic.error}
        empty={topic.items.size === 0}
        syncing={topic.syncing}
        filtered={rows.length === 0 && (text !== '' || state !== '')}
        onClear={() => {
          setState('')
          window.history.replaceState(null, '', '/')
          window.dispatchEvent(new Event('popstate'))
        }}
      >
        <Table
          rows={ordered}
          sort={sort}
          setSort={setSort}
          now={Math.floor(now / 1000) * 1000}
          changed={changed}
          previous={previous}
          onHold={setHeld}
          onRollback={setTarget}
        />
      </Body>
      <div className="visually-hidden" role="status" aria-live="polite">
        {said}
      </div>
      {target && <Rollback name={target.function} current={target.versions} onClose={() => setTarget(null)} />}
    </div>
  )
}

function firstWindow(items: ReadonlyMap<string, Health>): string {
  for (const h of items.values()) return h.window
  return ''
}

interface BodyProps {
  topicError: { code: string; detail: string } | null
  empty: boolean
  syncing: boolean
  filtered: boolean
  onClear: () => void
  children: React.ReactNode
}

function Body({ topicError, empty, syncing, filtered, onClear, children }: BodyProps) {
  const phase = useLink().phase
  const connection = useConnection()
  if (topicError && empty) {
    return (
      <Notice title="The overview could not be read" tone="bad">
        <p>
          {topicError.detail} <code>{topicError.code}</code>
        </p>
      </Notice>
    )
  }
  if (empty && phase === 'lost') {
    return (
      <Notice title="The server cannot be reached" tone="bad">
        <p>This page shows every function as soon as it answers; nothing needs to be reloaded.</p>
        <Button size="compact-xs" variant="default" onClick={() => connection.retry()}>
          Try now
        </Button>
      </Notice>
    )
  }
  if (empty && syncing) return <Loading what="functions" lines={12} />
  if (empty) {
    return (
      <Notice title="No function yet">
        <p>Write one, and it is watched from its first second:</p>
        <pre>{'hadron init hello\ncd hello && hadron deploy'}</pre>
      </Notice>
    )
  }
  if (filtered) {
    return (
      <Notice title="No function fits">
        <Button size="compact-xs" variant="default" onClick={onClear}>
          Show all
        </Button>
      </Notice>
    )
  }
  return children
}

interface TableProps {
  rows: Health[]
  sort: SortKey
  setSort: (key: string) => void
  now: number
  changed: ReadonlySet<string>
  previous: ReadonlyMap<string, number>
  onHold: (held: boolean) => void
  onRollback: (health: Health) => void
}

function Table({ rows, sort, setSort, now, changed, previous, onHold, onRollback }: TableProps) {
  const narrow = useMediaQuery('(max-width: 720px)', window.innerWidth <= 720)
  const { ref, height } = useSize<HTMLDivElement>()
  const [top, setTop] = useState(0)
  const frame = useRef(0)
  const onScroll = useCallback((event: React.UIEvent<HTMLDivElement>) => {
    const at = event.currentTarget.scrollTop
    cancelAnimationFrame(frame.current)
    frame.current = requestAnimationFrame(() => setTop(at))
  }, [])

  const heights = useMemo(() => rows.map((h) => (narrow ? NARROW : isBad(h) ? ROW + REASON : ROW)), [rows, narrow])
  const starts = useMemo(() => offsets(heights), [heights])
  const [first, last] = visibleRange(starts, top, height || 800, SPARE)
  const Row = narrow ? NarrowRow : WideRow

  return (
    <div className={`${styles.table} live-data`} role="table" aria-label="Functions" aria-rowcount={rows.length + 1}>
      <div className={styles.head} role="row" aria-rowindex={1}>
        {COLUMNS.map((column) => (
          <div
            key={column.label}
            role="columnheader"
            aria-sort={column.key === sort ? (sort === 'name' ? 'ascending' : 'descending') : undefined}
          >
            {column.key ? (
              <button type="button" data-active={column.key === sort} onClick={() => setSort(column.key)}>
                {column.label}
                {column.key === sort && <span aria-hidden>{sort === 'name' ? ' ↑' : ' ↓'}</span>}
              </button>
            ) : (
              column.label
            )}
          </div>
        ))}
      </div>
      <div
        ref={ref}
        className={styles.scroll}
        role="rowgroup"
        onScroll={onScroll}
        onPointerMove={(event) => event.pointerType === 'mouse' && onHold(true)}
        onPointerLeave={() => onHold(false)}
      >
        <div className={styles.canvas} style={{ height: starts[rows.length] }}>
          {rows.slice(first, last).map((health, i) => (
            <Row
              key={health.function}
              health={health}
              index={first + i}
              top={starts[first + i] ?? 0}
              height={heights[first + i] ?? ROW}
              now={now}
              changed={changed.has(health.function)}
              previous={offersRollback(health) ? (previous.get(health.function) ?? null) : null}
              onRollback={onRollback}
            />
          ))}
        </div>
      </div>
    </div>
  )
}
