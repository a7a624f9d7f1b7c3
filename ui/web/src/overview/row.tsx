import { Button } from '@mantine/core'
import { memo } from 'react'
import { formatBudget, formatNumber, formatPercent, formatSeconds } from '../format/number'
import { Link } from '../parts/link'
import { BudgetBar, Meter } from '../parts/measure'
import { State, stateName } from '../parts/state'
import { Ago } from '../parts/time'
import type { Health } from '../wire.gen'
import styles from './overview.module.css'
import { offersRollback } from './rows'
import { sparkArea, sparkPath } from './spark'

/** What rows of one table share. */
export interface RowActions {
  now: number
  previous: ReadonlyMap<string, number>
  onRollback: (health: Health) => void
}

export interface RowProps extends RowActions {
  health: Health
  index: number
  top: number
  height: number
  changed: boolean
}

export function isBad(h: Health): boolean {
  const state = stateName(h.state)
  return state === 'failing' || state === 'degraded'
}

/** One function on a wide screen: a line of numbers, and where something is wrong the reason under it. */
export const WideRow = memo(function WideRow(p: RowProps) {
  const h = p.health
  const bad = isBad(h)
  const allowed = 1 - h.availability
  const idle = stateName(h.state) === 'idle'
  const previous = offersRollback(h) ? p.previous.get(h.function) : undefined
  return (
    <div
      className={styles.row}
      role="row"
      aria-rowindex={p.index + 2}
      data-state={stateName(h.state)}
      data-changed={p.changed}
      data-function={h.function}
      style={{ transform: `translateY(${p.top}px)`, height: p.height }}
    >
      <div role="cell" title={h.reason}>
        <State state={stateName(h.state)} />
      </div>
      <div role="cell" className={styles.name}>
        <Name name={h.function} />
      </div>
      <div role="cell" className={styles.rate}>
        <span className={styles.number}>{formatNumber(h.rate)}</span>
        <Spark trend={h.trend} />
      </div>
      <div role="cell" className={styles.measure}>
        <span className={styles.number} data-over={h.errorRatio !== null && h.errorRatio > allowed}>
          {formatPercent(idle ? null : h.errorRatio)}
        </span>
        <Meter value={idle ? null : h.errorRatio} target={allowed} />
        <span className={styles.target} title="allowed by the objective">
          {formatPercent(allowed)}
        </span>
      </div>
      <div role="cell" className={styles.plain} data-column="p50">
        {formatSeconds(h.p50)}
      </div>
      <div role="cell" className={styles.measure}>
        <span className={styles.number} data-over={Boolean(h.latencyTarget && h.p99 !== null && h.p99 > h.latencyTarget)}>
          {formatSeconds(h.p99)}
        </span>
        {h.latencyTarget ? (
          <>
            <Meter value={h.p99} target={h.latencyTarget} />
            <span className={styles.target} title="the objective">
              {formatSeconds(h.latencyTarget)}
            </span>
          </>
        ) : null}
      </div>
      <div role="cell" className={styles.plain} data-column="inflight">
        {formatNumber(h.inFlight)}
      </div>
      <div role="cell" className={styles.budget}>
        <BudgetBar left={h.budgetLeft} />
        <span data-over={h.budgetLeft !== null && h.budgetLeft <= 0}>{formatBudget(h.budgetLeft)}</span>
      </div>
      <div role="cell" className={styles.versions} data-column="version">
        <Versions health={h} />
      </div>
      <div role="cell" className={styles.deployed} data-column="deployed">
        <Ago at={h.deployedAt} now={p.now} />
        {h.deployedBy && `, ${h.deployedBy}`}
      </div>
      {bad && (
        <div role="cell" className={styles.reason}>
          <span>{h.reason}</span>
          <span className={styles.actions}>
            {previous !== undefined && (
              <Button size="compact-xs" variant="default" onClick={() => p.onRollback(h)}>
                Roll back to @{previous}
              </Button>
            )}
          </span>
        </div>
      )}
    </div>
  )
})

/** The same function on a phone: what it is, the one number that matters, and a line of words. */
export const NarrowRow = memo(function NarrowRow(p: RowProps) {
  const h = p.health
  const state = stateName(h.state)
  return (
    <div
      className={styles.narrow}
      role="row"
      aria-rowindex={p.index + 2}
      data-state={state}
      data-changed={p.changed}
      data-function={h.function}
      style={{ transform: `translateY(${p.top}px)`, height: p.height }}
    >
      <div role="cell" className={styles.narrowState}>
        <State state={state} word={false} />
      </div>
      <div role="cell" className={styles.name}>
        <Name name={h.function} />
      </div>
      <div role="cell" className={styles.matter}>
        <Matter health={h} />
      </div>
      <div role="cell" className={styles.narrowWords}>
        {isBad(h) ? (
          h.reason
        ) : (
          <>
            <Versions health={h} unit={'\u202f%'} />, <Ago at={h.deployedAt} now={p.now} />, {h.deployedBy}
          </>
        )}
      </div>
    </div>
  )
})

function Name({ name }: { name: string }) {
  const cut = name.lastIndexOf('/') + 1
  return (
    <Link to={`/f/${name}`} className={styles.link} title={name}>
      <span className={styles.path}>{name.slice(0, cut)}</span>
      <span className={styles.leaf}>{name.slice(cut)}</span>
    </Link>
  )
}

function Spark({ trend }: { trend: number[] }) {
  return (
    <svg className={styles.spark} viewBox="0 0 64 16" aria-hidden>
      <path className={styles.area} d={sparkArea(trend, 64, 16)} />
      <path d={sparkPath(trend, 64, 16)} />
    </svg>
  )
}

/** What live names, with shares; beside a column that says what they are they have no unit. */
function Versions({ health, unit = '' }: { health: Health; unit?: string }) {
  const [one] = health.versions
  if (health.versions.length === 1 && one) return <span>@{one.version}</span>
  return <span>{health.versions.map((v) => `@${v.version} ${Math.round(v.share * 100)}${unit}`).join(' · ')}</span>
}

/** The number that is wrong, or the rate where none is. */
export function Matter({ health: h }: { health: Health }) {
  if (h.errorRatio !== null && h.errorRatio > 1 - h.availability && isBad(h)) {
    return <b className={styles.wrong}>{formatPercent(h.errorRatio)} errors</b>
  }
  if (h.p99 !== null && h.latencyTarget && h.p99 > h.latencyTarget && isBad(h)) {
    return <b className={styles.wrong}>p99 {formatSeconds(h.p99)}</b>
  }
  if (h.budgetLeft !== null && h.budgetLeft < 0.1) return <b className={styles.wrong}>{formatBudget(h.budgetLeft)} budget</b>
  return <span>{formatNumber(h.rate)}/s</span>
}
