import { expect, test } from 'vitest'
import type { Span } from '../wire.gen'
import { bars } from './spans'

const span = (id: string, parent: string, at: number, duration: number): Span => ({
  id,
  parent,
  name: id,
  kind: 'internal',
  function: 'a/b/c',
  version: 1,
  request: 'r',
  time: new Date(1_790_000_000_000 + at).toISOString(),
  duration,
  error: '',
  attributes: {},
})

test('spans hang below their parents, and share the time of the whole', () => {
  const got = bars([span('root', 'elsewhere', 0, 0.4), span('inner', 'fetch', 200, 0.1), span('fetch', 'root', 100, 0.3)])
  expect(got.map((b) => [b.span.id, b.depth, b.from, b.width])).toEqual([
    ['root', 0, 0, 1],
    ['fetch', 1, 0.25, 0.75],
    ['inner', 2, 0.5, 0.25],
  ])
})

test('what is too short is seen, and a circle ends', () => {
  expect(bars([span('a', 'a', 0, 0), span('b', 'a', 0, 1)]).map((b) => b.width)).toEqual([0.01, 1])
  expect(bars([span('a', 'b', 0, 1), span('b', 'a', 0, 1)])).toEqual([])
  expect(bars([])).toEqual([])
})
