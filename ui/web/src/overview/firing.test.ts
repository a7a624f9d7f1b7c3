import { expect, test } from 'vitest'
import type { Alert } from '../wire.gen'
import { firingOf, firingWords } from './firing'

const alert = (fn: string, slo: string, window: string, level: string, state = 'firing') =>
  ({ name: 'SLOBurnRate', function: fn, slo, window, class: level, state }) as Alert

test('windows of one objective are one page', () => {
  const firing = firingOf([
    alert('a/b/c', 'availability', '1h/5m', 'page'),
    alert('a/b/c', 'availability', '6h/30m', 'page'),
    alert('a/b/c', 'availability', '3d/6h', 'ticket'),
    alert('a/b/c', 'latency-p99', '1h/5m', 'page'),
    alert('a/b/d', 'availability', '3d/6h', 'ticket'),
    alert('a/b/e', 'availability', '1h/5m', 'page', 'pending'),
  ])
  expect(firing).toEqual({ all: 3, pages: 2 })
  expect(firingWords(firing)).toBe('2 pages open')
  expect(firingWords({ all: 3, pages: 0 })).toBe('3 firing, no page')
})
