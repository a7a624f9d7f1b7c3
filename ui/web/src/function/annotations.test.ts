import { describe, expect, test } from 'vitest'
import type { DashboardAnnotation } from '../wire.gen'
import { annotated } from './annotations'

const pages: DashboardAnnotation = {
  name: 'Pages',
  expr: 'pages',
  title: '{{team}}/{{project}}/{{function}}',
  text: 'pages',
  level: 'bad',
}
const deployments: DashboardAnnotation = {
  name: 'Deployments',
  expr: 'live',
  title: '{{project}}/{{function}}@{{version}} live',
  text: '',
  level: 'good',
}
const times = [0, 10, 20, 30, 40]
const line = (fn: string, values: (number | null)[], version = '') => ({
  labels: { team: 'pay', project: 'core', function: fn, version },
  values,
})

describe('annotations', () => {
  test('what is bad is marked for as long as it lasts, each time that it comes', () => {
    const marks = annotated([{ annotation: pages, times, lines: [line('charge', [null, 1, 1, null, 1])] }])
    expect(marks.map((m) => [m.time, m.until, m.label, m.kind])).toEqual([
      [10, 20, 'charge', 'alert'],
      [40, null, 'charge', 'alert'],
    ])
    expect(marks[0]?.detail).toBe('Pages: pay/core/charge')
  })

  test('a deployment is a moment, and those of one moment are one mark', () => {
    const lines = [line('charge', [null, 1, 1, null, null], '7'), line('refund', [null, 1, null, null, null], '3')]
    const marks = annotated([{ annotation: deployments, times, lines }])
    expect(marks).toEqual([
      { time: 10, label: '2 deployments', detail: 'Deployments: core/charge@7 live, core/refund@3 live', kind: 'deployment' },
    ])
    expect(annotated([{ annotation: deployments, times, lines: lines.slice(1) }])[0]?.label).toBe('refund@3 live')
    const many = Array.from({ length: 6 }, (_, i) => line('charge', [null, 1, null, null, null], `${i}`))
    expect(annotated([{ annotation: deployments, times, lines: many }])[0]?.detail).toMatch(/charge@3 live and 2 more$/)
  })

  test('of very many the newest are kept', () => {
    const grid = Array.from({ length: 1000 }, (_, i) => i)
    const marks = annotated([
      {
        annotation: pages,
        times: grid,
        lines: [
          line(
            'charge',
            grid.map((i) => (i % 2 ? 1 : null)),
          ),
        ],
      },
    ])
    expect(marks.length).toBe(200)
    expect(marks.at(-1)?.time).toBe(999)
  })
})
