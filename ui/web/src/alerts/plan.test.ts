import { expect, test } from 'vitest'
import { bodyOf, type Plan, untold, wrongWith } from './plan'

const HOUR = 3_600_000
const NOW = Date.parse('2030-01-01T00:00:00Z')
const plan = (more: Partial<Plan> = {}): Plan => ({
  kind: 'maintenance',
  scope: 'pay/core',
  class: '',
  from: NOW + HOUR,
  to: NOW + 2 * HOUR,
  reason: ' the database moves ',
  ...more,
})

test('what cannot be is said before it is asked for', () => {
  expect(wrongWith(plan(), NOW)).toBe('')
  for (const scope of ['', 'pay', 'pay/core/charge', ' pay ']) expect(wrongWith(plan({ scope }), NOW)).toBe('')
  for (const scope of ['Pay', 'pay/', 'a/b/c/d', 'pay core'])
    expect(wrongWith(plan({ scope }), NOW)).toContain('team/project/name')
  expect(wrongWith(plan({ from: null }), NOW)).toContain('both')
  expect(wrongWith(plan({ to: NOW }), NOW)).toContain('over already')
  expect(wrongWith(plan({ to: NOW + HOUR }), NOW)).toContain('after it begins')
  expect(wrongWith(plan({ to: NOW + 32 * 24 * HOUR }), NOW)).toContain('30 days')
  expect(wrongWith(plan({ from: NOW + 91 * 24 * HOUR, to: NOW + 92 * 24 * HOUR }), NOW)).toContain('90 days')
})

test('what begins now has no begin', () => {
  expect(bodyOf(plan(), NOW)).toEqual({
    scope: 'pay/core',
    kind: 'maintenance',
    starts: '2030-01-01T01:00:00.000Z',
    ends: '2030-01-01T02:00:00.000Z',
    reason: 'the database moves',
  })
  expect(bodyOf(plan({ from: NOW, class: 'page' }), NOW)).toMatchObject({ class: 'page', ends: '2030-01-01T02:00:00.000Z' })
  expect(bodyOf(plan({ from: NOW }), NOW)).not.toHaveProperty('starts')
})

test('it says whose calls for help are kept back', () => {
  expect(untold(plan())).toBe('pages and tickets of pay/core')
  expect(untold(plan({ scope: '', class: 'page' }))).toBe('pages of every function of every team')
})
