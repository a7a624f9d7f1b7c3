import { useMemo, useState } from 'react'
import { formatBudget, formatNumber, formatPercent } from '../format/number'
import { groupsTopic, pageTopic } from '../live/topics'
import { useTopic, useTopics } from '../live/use-live'
import { Link } from '../parts/link'
import { BudgetBar } from '../parts/measure'
import { STATES, State, stateName } from '../parts/state'
import { useParam } from '../router'
import type { Group, Health } from '../wire.gen'
import { Body } from './body'
import { orderGroups } from './groups'
import { Head } from './head'
import { NARROW, REASON, ROW } from './list'
import styles from './overview.module.css'
import { PAGE } from './pages'
import { parametersOf, type Query } from './query'
import { isBad, NarrowRow, type RowActions, WideRow } from './row'
import { sortRows } from './rows'
import { Scroller } from './scroller'
import { useStateChanges } from './use-order'

const GROUP = 34
const NARROW_GROUP = 52
const MOST_OPEN = 24 // a connection has at most 64 subscriptions

interface GroupedProps extends RowActions {
  query: Query
  narrow: boolean
  setSort: (key: string) => void
  onClear: () => void
}

type Line =
  | { kind: 'group'; group: Group; open: boolean; height: number }
  | { kind: 'row'; health: Health; height: number }
  | { kind: 'more'; group: Group; height: number }

/** Functions by team and project, the worst first; a project shows its functions when it is opened. */
export function Grouped({ query, narrow, setSort, onClear, ...actions }: GroupedProps) {
  const [openParam, setOpen] = useParam('open')
  const [, setHeld] = useState(false)
  const parameters = useMemo(() => parametersOf(query), [query])
  const topic = useTopic(useMemo(() => groupsTopic(parameters), [parameters]))
  const groups = useMemo(() => orderGroups(topic.items.values()), [topic.items])
  const opened = useMemo(() => openParam.split(',').filter(Boolean).slice(-MOST_OPEN), [openParam])
  const specs = useMemo(
    () => opened.map((group) => pageTopic({ ...parameters, scope: narrower(query.scope, group), limit: PAGE })),
    [opened, parameters, query.scope],
  )
  const pages = useTopics(specs)
  const items = useMemo(() => {
    const all = new Map<string, Health>()
    for (const page of pages) for (const [name, health] of page.items) all.set(name, health)
    return all
  }, [pages])
  const { changed, said } = useStateChanges(items)

  const lines = useMemo(() => {
    const out: Line[] = []
    for (const group of groups) {
      const at = opened.indexOf(group.group)
      out.push({ kind: 'group', group, open: at >= 0, height: narrow ? NARROW_GROUP : GROUP })
      const page = pages[at]
      if (!page) continue
      for (const health of sortRows([...page.items.values()], query.sort)) {
        out.push({ kind: 'row', health, height: narrow ? NARROW : isBad(health) ? ROW + REASON : ROW })
      }
      if ((page.total ?? 0) > page.items.size && page.items.size > 0) out.push({ kind: 'more', group, height: ROW })
    }
    return out
  }, [groups, opened, pages, narrow, query.sort])
  const heights = useMemo(() => lines.map((line) => line.height), [lines])
  const toggle = (group: string) =>
    setOpen((opened.includes(group) ? opened.filter((g) => g !== group) : [...opened, group]).join(','))
  const Row = narrow ? NarrowRow : WideRow
  return (
    <Body
      error={topic.error}
      empty={groups.length === 0}
      syncing={topic.syncing}
      filtered={query.text !== '' || query.states.length > 0 || query.scope !== ''}
      onClear={onClear}
    >
      <div
        className={`${styles.table} live-data`}
        role="table"
        aria-label="Functions by project"
        aria-rowcount={lines.length + 1}
      >
        <Head sort={query.sort} setSort={setSort} window="" />
        <Scroller
          list={JSON.stringify(parameters)}
          heights={heights}
          onHold={setHeld}
          render={(index, top, height) => {
            const line = lines[index]
            if (!line) return null
            if (line.kind === 'row') {
              return (
                <Row
                  key={line.health.function}
                  health={line.health}
                  index={index}
                  top={top}
                  height={height}
                  changed={changed.has(line.health.function)}
                  {...actions}
                />
              )
            }
            const place = { top, height, index }
            return line.kind === 'group' ? (
              <GroupRow key={line.group.group} {...place} group={line.group} open={line.open} onToggle={toggle} />
            ) : (
              <MoreRow key={`more ${line.group.group}`} {...place} group={line.group} />
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

/** A group within the scope that is looked at already, which may be one function of it. */
function narrower(scope: string, group: string): string {
  return scope.startsWith(`${group}/`) ? scope : group
}

interface PlaceProps {
  index: number
  top: number
  height: number
}

interface GroupRowProps extends PlaceProps {
  group: Group
  open: boolean
  onToggle: (group: string) => void
}

function GroupRow({ group: g, open, onToggle, index, top, height }: GroupRowProps) {
  const [team, project] = g.group.split('/')
  return (
    <div
      className={styles.group}
      role="row"
      aria-rowindex={index + 2}
      data-group={g.group}
      data-state={stateName(g.state)}
      style={{ transform: `translateY(${top}px)`, height }}
    >
      <div role="cell" className={styles.groupState}>
        <State state={stateName(g.state)} />
      </div>
      <div role="cell" className={styles.name}>
        <button type="button" className={styles.opener} aria-expanded={open} onClick={() => onToggle(g.group)}>
          <span aria-hidden>{open ? '▾' : '▸'}</span> <span className={styles.path}>{team}/</span>
          <span className={styles.leaf}>{project}</span>
        </button>
      </div>
      <div role="cell" className={styles.rate}>
        <span className={styles.number}>{formatNumber(g.rate)}</span>
      </div>
      <div role="cell" className={styles.measure}>
        <span className={styles.number}>{formatPercent(g.state === 'idle' ? null : g.errorRatio)}</span>
      </div>
      <div role="cell" data-column="p50" />
      <div role="cell" className={styles.groupCounts}>
        {STATES.map((state) => {
          const count = g.states[state]
          return count > 0 ? (
            <span key={state} title={`${count} ${state}`}>
              <State state={state} word={false} /> {count}
            </span>
          ) : null
        })}
      </div>
      <div role="cell" className={styles.plain} data-column="inflight">
        {formatNumber(g.inFlight)}
      </div>
      <div role="cell" className={styles.budget} title="of the function with the least">
        <BudgetBar left={g.budgetLeft} />
        <span>{formatBudget(g.budgetLeft)}</span>
      </div>
      <div role="cell" className={styles.versions} data-column="version">
        {g.rollouts > 0 && (g.rollouts === 1 ? '1 rollout' : `${g.rollouts} rollouts`)}
      </div>
      <div role="cell" className={styles.deployed} data-column="deployed">
        {g.functions === 1 ? '1 function' : `${formatNumber(g.functions)} functions`}
      </div>
    </div>
  )
}

function MoreRow({ group, index, top, height }: PlaceProps & { group: Group }) {
  return (
    <div className={styles.more} role="row" aria-rowindex={index + 2} style={{ transform: `translateY(${top}px)`, height }}>
      <div role="cell">
        <Link to={`/?scope=${encodeURIComponent(group.group)}`}>
          Only the first {PAGE} of {group.functions} are shown here. Show all of {group.group}
        </Link>
      </div>
    </div>
  )
}
