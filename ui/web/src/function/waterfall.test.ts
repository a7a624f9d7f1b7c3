import { expect, test } from 'vitest'
import type { Span } from '../wire.gen'
import { waterfallOf } from './waterfall'

const span = (id: string, parent: string, time: string, duration: number): Span => ({
  id,
  parent,
  name: id,
  kind: 'internal',
  function: 'a/b/c',
  version: 1,
  request: 'r',
  time: `2026-01-01T00:00:${time}Z`,
  duration,
  error: '',
  attributes: {},
})

test('spans lie under what caused them, at their time', () => {
  const { lines, seconds } = waterfallOf({
    id: 't',
    hidden: 0,
    spans: [
      span('run', 'call', '01.1', 0.9),
      span('call', 'elsewhere', '01', 1),
      span('queue', 'call', '01.000000500', 0.1),
      span('fetch', 'run', '01.5', 0.5),
    ],
  })
  expect(seconds).toBeCloseTo(1, 6)
  expect(lines.map((l) => `${l.depth} ${l.span.id}`)).toEqual(['0 call', '1 queue', '1 run', '2 fetch'])
  expect(lines[1]?.start).toBeCloseTo(5e-7, 7)
  expect(lines[3]?.left).toBeCloseTo(0.5, 5)
  expect(lines[3]?.width).toBeCloseTo(0.5, 5)
})

test('spans that cause one another end nothing', () => {
  const { lines } = waterfallOf({
    id: 't',
    hidden: 0,
    spans: [span('a', 'b', '01', 1), span('b', 'a', '01', 1), span('c', 'c', '01', 0)],
  })
  expect(lines.map((l) => l.span.id)).toEqual(['c'])
  expect(waterfallOf({ id: 't', hidden: 0, spans: [] })).toEqual({ lines: [], seconds: 0 })
})
