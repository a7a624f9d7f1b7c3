import { describe, expect, test } from 'vitest'
import type { Deployment, Rollout } from '../wire.gen'
import { consequence, merged, shareOf, stagesOf, stateTone, stateWords, underWay, verbsOf, waitsFor } from './rollout'

const rollout = (more: Partial<Rollout> = {}): Rollout => ({
  id: 7,
  function: 'shop/web/cart',
  alias: 'live',
  from: 1,
  to: 2,
  strategy: 'canary',
  steps: [5, 50],
  step: 1,
  interval: 120,
  state: 'running',
  active: true,
  reason: 'step 1 of 2',
  weights: [
    { version: 1, weight: 95 },
    { version: 2, weight: 5 },
  ],
  author: 'ada',
  startedAt: '2026-11-26T10:00:00Z',
  updatedAt: '2026-11-26T10:00:00Z',
  stepAt: '2026-11-26T10:00:00Z',
  ...more,
})

describe('a rollout', () => {
  const at = Date.parse('2026-11-26T10:00:30Z')

  test('is told in words, also in a state that is new', () => {
    expect(stateWords('rolling_back')).toBe('rolling back')
    expect(stateWords('on_the_moon')).toBe('on the moon')
    expect([stateTone('rolled_back'), stateTone('completed'), stateTone('paused'), stateTone('on_the_moon')]).toEqual([
      'bad',
      'good',
      'wait',
      'live',
    ])
  })

  test('has its steps and the whole', () => {
    const places = (r: Rollout) => stagesOf(r).map((s) => s.place)
    expect(stagesOf(rollout()).map((s) => s.label)).toEqual(['5\u202f%', '50\u202f%', 'all'])
    expect(places(rollout())).toEqual(['now', 'next', 'next'])
    expect(places(rollout({ step: 2, state: 'paused' }))).toEqual(['done', 'now', 'next'])
    expect(places(rollout({ step: 2, state: 'promoting' }))).toEqual(['done', 'done', 'now'])
    expect(places(rollout({ step: 2, state: 'completed', active: false }))).toEqual(['done', 'done', 'done'])
    expect(places(rollout({ step: 2, state: 'rolled_back', active: false }))).toEqual(['done', 'next', 'next'])
    expect(places(rollout({ steps: [], step: 0, strategy: 'all-at-once' }))).toEqual(['next'])
    expect(shareOf(rollout())).toBe(0.05)
    expect(shareOf(rollout({ weights: [] }))).toBe(0)
  })

  test('says what it waits for', () => {
    expect(waitsFor(rollout(), at)).toBe('The step lasts 1\u202fmin more at least.')
    expect(waitsFor(rollout(), at + 1e6)).toContain('must be shown to be no worse than @1')
    expect(waitsFor(rollout({ state: 'paused', strategy: 'manual' }), at)).toContain('promote')
    const said = 'step 1 of 2; it waits for somebody to promote it'
    expect(waitsFor(rollout({ state: 'paused', strategy: 'manual', reason: said }), at)).toBe('')
    expect(waitsFor(rollout({ state: 'completed', active: false }), at)).toBe('')
  })

  test('offers what the server takes, and says what will happen', () => {
    expect(verbsOf(rollout())).toEqual(['pause', 'promote', 'finish', 'abort'])
    expect(verbsOf(rollout({ state: 'paused' }))).toEqual(['resume', 'promote', 'finish', 'abort'])
    expect(verbsOf(rollout({ state: 'paused', strategy: 'manual', step: 2 }))).toEqual(['finish', 'abort'])
    expect(verbsOf(rollout({ state: 'prewarming' }))).toEqual(['abort'])
    expect(verbsOf(rollout({ state: 'promoting' }))).toEqual([])
    expect(verbsOf(rollout({ state: 'aborted', active: false }))).toEqual([])
    expect(consequence(rollout(), 'promote')).toContain('@2 gets 50\u202f%')
    expect(consequence(rollout(), 'abort')).toContain('goes back to @1')
    expect(consequence(rollout(), 'pause')).toContain('keeps 5\u202f%')
  })

  test('is found among changes, and the live topic wins', () => {
    const d = (r: Rollout): Deployment => ({
      id: r.id,
      function: r.function,
      kind: 'rollout',
      from: [],
      to: [],
      author: '',
      time: '',
      rollout: r,
    })
    const read = [d(rollout({ id: 9 })), d(rollout({ id: 3, function: 'a/b/c' })), d(rollout())]
    const live = new Map([['7', d(rollout({ state: 'aborted', active: false }))]])
    expect(underWay(merged(read, live)).map((r) => r.id)).toEqual([3, 9])
    expect(underWay(merged(read, live), 'shop/web/cart').map((r) => r.id)).toEqual([9])
  })
})
