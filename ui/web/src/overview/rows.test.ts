import { describe, expect, test } from 'vitest'
import type { Health } from '../wire.gen'
import { holdOrder, offersRollback, sortRows } from './rows'
import { sparkArea, sparkPath } from './spark'
import { offsets, visibleRange } from './window'

function health(name: string, more: Partial<Health> = {}): Health {
  return {
    function: name,
    state: 'healthy',
    reason: '',
    since: '2026-01-01T00:00:00Z',
    rate: 1,
    errorRatio: 0,
    p50: null,
    p95: null,
    p99: null,
    inFlight: 0,
    errors: [],
    coldStarts: 0,
    throttled: 0,
    cpu: 0,
    budgetLeft: 1,
    burns: [],
    availability: 0.999,
    window: '30d',
    versions: [{ version: 1, share: 1 }],
    trend: [],
    deployedAt: '2026-01-01T00:00:00Z',
    deployedBy: 'ada',
    updatedAt: '2026-01-01T00:00:00Z',
    ...more,
  }
}

const names = (rows: Health[]) => rows.map((h) => h.function)

describe('order', () => {
  const rows = [
    health('a/a/z'),
    health('a/a/idle', { state: 'idle' }),
    health('a/a/old', { state: 'failing', since: '2026-01-01T10:00:00Z' }),
    health('a/a/a'),
    health('a/a/new', { state: 'failing', since: '2026-01-01T11:00:00Z' }),
    health('a/a/slow', { state: 'degraded' }),
    health('a/a/odd', { state: 'of a later server' }),
  ]

  test('is worst first, newest trouble before old, the rest by name', () => {
    expect(names(sortRows(rows, 'worst'))).toEqual(['a/a/new', 'a/a/old', 'a/a/slow', 'a/a/odd', 'a/a/a', 'a/a/z', 'a/a/idle'])
  })

  test('by state does not depend on numbers that change each second', () => {
    const jittered = rows.map((h, i) => ({ ...h, rate: 100 - i, errorRatio: i / 10, p99: i }))
    expect(names(sortRows(jittered, 'worst'))).toEqual(names(sortRows(rows, 'worst')))
  })

  test('by a number puts what has none last', () => {
    const some = [health('a/a/none', { p99: null }), health('a/a/low', { p99: 1 }), health('a/a/high', { p99: 2 })]
    expect(names(sortRows(some, 'p99'))).toEqual(['a/a/high', 'a/a/low', 'a/a/none'])
    const budgets = [health('a/a/full'), health('a/a/gone', { budgetLeft: -1 }), health('a/a/none', { budgetLeft: null })]
    expect(names(sortRows(budgets, 'budget'))).toEqual(['a/a/gone', 'a/a/full', 'a/a/none'])
  })

  test('that is held keeps rows in place: gone ones leave, new ones come last', () => {
    const now = [health('a/a/new', { state: 'failing' }), health('a/a/c'), health('a/a/a', { state: 'failing' })]
    expect(names(holdOrder(now, ['a/a/c', 'a/a/b', 'a/a/a']))).toEqual(['a/a/c', 'a/a/a', 'a/a/new'])
  })
})

test('going back is offered where trouble began soon after a deployment', () => {
  const failing = (since: string) => health('a/a/a', { state: 'failing', deployedAt: '2026-01-01T10:00:00Z', since })
  expect(offersRollback(failing('2026-01-01T10:03:00Z'))).toBe(true)
  expect(offersRollback(failing('2026-01-02T10:03:00Z'))).toBe(false)
  expect(offersRollback(failing('2026-01-01T08:00:00Z'))).toBe(false)
  expect(offersRollback(health('a/a/a'))).toBe(false)
})

describe('the window', () => {
  test('shows the rows in view and some more', () => {
    const starts = offsets([10, 20, 10, 10, 10])
    expect([...starts]).toEqual([0, 10, 30, 40, 50, 60])
    expect(visibleRange(starts, 0, 25, 0)).toEqual([0, 2])
    expect(visibleRange(starts, 30, 15, 0)).toEqual([2, 4])
    expect(visibleRange(starts, 30, 15, 1)).toEqual([1, 5])
    expect(visibleRange(starts, 1000, 15, 0)).toEqual([4, 5])
    expect(visibleRange(offsets([]), 0, 100, 3)).toEqual([0, 0])
  })

  test('finds its rows quickly among 10,000', () => {
    const starts = offsets(new Array(10_000).fill(29))
    const [first, last] = visibleRange(starts, 29 * 5000 + 3, 800, 8)
    expect([first, last]).toEqual([4992, 5036])
  })
})

test('a sparkline ends at the right edge and starts from zero', () => {
  expect(sparkPath([0, 10], 64, 16, 2)).toBe('M0.0 15.0L64.0 1.0')
  expect(sparkPath([5], 64, 16)).toBe('')
  expect(sparkArea([0, 10], 64, 16, 2)).toBe('M0.0 15.0L64.0 1.0V16H0.0Z')
})
