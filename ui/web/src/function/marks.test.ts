import { describe, expect, test } from 'vitest'
import type { Alert, Deployment, Incident } from '../wire.gen'
import { marksAt, marksOf } from './marks'

const at = (minute: number) => new Date(Date.UTC(2026, 0, 1, 12, minute)).toISOString()
const seconds = (minute: number) => Date.UTC(2026, 0, 1, 12, minute) / 1000

const deployment = (minute: number, to: number[], more: Partial<Deployment> = {}): Deployment => ({
  id: minute,
  function: 'a/a/a',
  kind: 'rolled_back',
  from: [],
  to: to.map((version) => ({ version, weight: 1 })),
  author: 'ada',
  time: at(minute),
  ...more,
})

const incident = (slo: string, opened: number, closed: number | null, level = 'page'): Incident => ({
  function: 'a/a/a',
  slo,
  class: level,
  dedupKey: '',
  openedAt: at(opened),
  ...(closed !== null && { closedAt: at(closed) }),
  told: [],
})

const alert = (slo: string, since: number): Alert =>
  ({ name: 'burn', function: 'a/a/a', slo, class: 'ticket', state: 'firing', since: at(since) }) as Alert

describe('marks on the time axis', () => {
  test('are deployments and what fired, oldest first', () => {
    const marks = marksOf(
      [deployment(5, [1, 2], { message: 'it burns' }), deployment(1, [])],
      [incident('availability', 3, 4), incident('latency-p99', 6, null, 'ticket')],
      [],
    )
    expect(marks.map((m) => [m.label, m.kind, m.time, m.until])).toEqual([
      ['page', 'alert', seconds(3), seconds(4)],
      ['@1+@2', 'deployment', seconds(5), undefined],
      ['ticket', 'ticket', seconds(6), null],
    ])
    expect(marks.map((m) => m.detail)).toEqual([
      'page: availability fired',
      '@1+@2 rolled back by ada: it burns',
      'ticket: latency-p99 fires',
    ])
  })

  test('an open incident stands for the alerts of its objective', () => {
    const open = incident('availability', 3, null)
    expect(marksOf([], [open], [alert('availability', 3), alert('latency-p99', 4)]).map((m) => m.detail)).toEqual([
      'page: availability fires',
      'ticket: latency-p99 fires',
    ])
    expect(marksOf([], [incident('availability', 1, 2)], [alert('availability', 3)])).toHaveLength(2)
  })

  test('are there at their moment, and alerts as long as they fire', () => {
    const marks = marksOf([deployment(5, [2])], [incident('availability', 3, 6), incident('latency-p99', 6, null)], [])
    const there = (minute: number) => marksAt(marks, seconds(minute), 30).map((m) => m.label)
    expect([0, 3, 4, 5, 6, 9].map(there)).toEqual([[], ['page'], ['page'], ['page', '@2'], ['page', 'page'], ['page']])
  })
})
