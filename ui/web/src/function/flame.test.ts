import { expect, test } from 'vitest'
import type { FlameNode } from '../wire.gen'
import { barsOf, hottest, hueOf, nodeAt } from './flame'

const node = (name: string, self: number, children: FlameNode[] = []): FlameNode => ({
  name,
  file: `${name}.ts`,
  line: 1,
  self,
  total: self + children.reduce((sum, c) => sum + c.total, 0),
  children,
})

const root = node('', 0, [node('fetch', 4, [node('render', 3, [node('render', 2)]), node('parse', 1)]), node('tiny', 0.000_001)])

test('a call is as wide as its share, and lies under its caller', () => {
  const bars = barsOf(root)
  expect(bars.map((b) => `${b.path} ${b.node.name}`)).toEqual([' ', '/0 fetch', '/0/0 render', '/0/0/0 render', '/0/1 parse'])
  const [, fetch, render, , parse] = bars
  expect(fetch?.width).toBeCloseTo(1, 5)
  expect(render).toMatchObject({ depth: 2, left: 0 })
  expect(render?.width).toBeCloseTo(0.5, 5)
  expect(parse?.left).toBeCloseTo(0.5, 5)
})

test('a path leads to its node', () => {
  expect(nodeAt(root, '/0/1').name).toBe('parse')
  expect(nodeAt(root, '/0/9').name).toBe('fetch')
  expect(nodeAt(root, '')).toBe(root)
})

test('the hottest are those with the most time of their own; recursion counts once', () => {
  expect(hottest(root, 2).map((h) => [h.name, h.self, h.total])).toEqual([
    ['render', 5, 5],
    ['fetch', 4, 10],
  ])
})

test('a file has one hue', () => {
  expect(hueOf('a.ts')).toBe(hueOf('a.ts'))
  expect(hueOf(undefined)).toBeGreaterThanOrEqual(0)
})
