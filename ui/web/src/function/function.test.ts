import { describe, expect, test } from 'vitest'
import { align } from '../api/prometheus'
import type { DashboardPanel, Deployment, LogRecord } from '../wire.gen'
import { fieldsText, filterLogs, searchQuery, stackText } from './logs'
import { columnsOf, drawnOf, filled, legendOf, levelOf, linesOf, scaleOf, stack } from './model'
import { previousVersions } from './previous'

describe('charts', () => {
  const grid = { start: 100, end: 120, step: 10 }
  const panel = (more: Partial<DashboardPanel>): DashboardPanel => ({
    id: 1,
    title: '',
    description: '',
    kind: 'timeseries',
    unit: 's',
    queries: [],
    thresholds: [],
    stacked: false,
    width: 12,
    height: 8,
    ...more,
  })
  const query = (legend: string, heatmap = false) => ({ refId: 'A', expr: '', legend, instant: false, heatmap })

  test('series are put on one grid, gaps and all', () => {
    const values: [number, string][] = [
      [100, '1'],
      [120, 'NaN'],
      [110.001, '2'],
    ]
    expect(align([{ metric: { code: 'timeout' }, values }], grid)).toEqual({
      times: [100, 110, 120],
      lines: [{ labels: { code: 'timeout' }, values: [1, 2, null] }],
      cells: [],
    })
  })

  test('a native histogram becomes buckets and a mean', () => {
    const buckets: [number, string, string, string][] = [
      [3, '-0.001', '0.001', '2'],
      [0, '1', '2', '4'],
    ]
    const got = align([{ metric: {}, histograms: [[110, { count: '6', sum: '3', buckets }]] }], grid)
    const drawn = drawnOf(panel({ kind: 'heatmap', queries: [query('invocations', true)] }), [got])
    expect(drawn.lines).toEqual([{ label: 'mean', values: [null, 0.5, null] }])
    expect(drawn.cells).toEqual([{ time: 110, low: 1, high: 2, count: 4 }])
  })

  test('lines are named, in order, and those without a value left out', () => {
    const series = (version: string, value: string) => ({ metric: { version }, values: [[100, value]] as [number, string][] })
    const answer = align([series('10', '1'), series('9', '2'), series('8', 'NaN')], grid)
    const drawn = drawnOf(panel({ queries: [query('@{{version}}')] }), [answer])
    expect(drawn.lines.map((l) => l.label)).toEqual(['@9', '@10'])
    const zero = align([series('1', '0'), series('2', '3')], grid)
    const labels = (stacked: boolean) =>
      drawnOf(panel({ stacked, queries: [query('{{version}}')] }), [zero]).lines.map((l) => l.label)
    expect([labels(false), labels(true)]).toEqual([['1', '2'], ['2']])
  })

  test('of many lines the largest are drawn, in their order, and the rest is counted', () => {
    const many = Array.from({ length: 12 }, (_, i) => ({
      metric: { team: `t${String(i).padStart(2, '0')}` },
      values: [[100, String(i === 0 ? 50 : i)]] as [number, string][],
    }))
    const drawn = drawnOf(panel({ queries: [query('{{team}}')] }), [align(many, grid)])
    expect(drawn.lines.map((l) => l.label)).toEqual(['t00', 't03', 't04', 't05', 't06', 't07', 't08', 't09', 't10', 't11'])
    expect(drawn.left).toBe(2)
  })

  test('the name of a function is one column of a table', () => {
    const column = (label: string, title: string) => ({ label, title, query: 0, thresholds: [] })
    const name = [column('team', 'Team'), column('project', 'Project'), column('function', 'Function')]
    const titles = (columns: DashboardPanel['columns']) => columnsOf({ columns }).map((c) => `${c.title}: ${c.labels}`)
    expect(titles([...name, column('', 'Left')])).toEqual(['Function: team,project,function', 'Left: '])
    expect(titles([column('team', 'Team'), column('slo', 'Objective')])).toEqual(['Team: team', 'Objective: slo'])
  })

  test('stacked lines stand upon one another', () => {
    expect(
      stack([
        [1, null, null],
        [2, 3, null],
      ]),
    ).toEqual([
      [1, null, null],
      [3, 3, null],
    ])
  })

  test('a value has the level of what it reached', () => {
    const p = panel({
      base: 'bad',
      thresholds: [
        { value: 0, level: 'warn' },
        { value: 0.25, level: 'good' },
      ],
    })
    expect([-1, 0, 0.3].map((v) => levelOf(p, v))).toEqual(['bad', 'warn', 'good'])
    expect(levelOf(p, null)).toBe('')
    expect(levelOf(panel({}), 1)).toBe('')
  })

  test('a scale shows the data and the next threshold', () => {
    const p = panel({ min: 0, thresholds: [1, 6, 14].map((value) => ({ value, level: 'bad' })) })
    expect(scaleOf(p, 0, 0.5)[1]).toBeCloseTo(1.15)
    expect(scaleOf(p, 0, 2)[1]).toBeCloseTo(6.9)
    expect(scaleOf(p, 0, 20)[1]).toBeCloseTo(23)
    expect(scaleOf(panel({}), null, null)).toEqual([0, 1])
    expect(scaleOf(p, 0, 0.01)[1]).toBeCloseTo(0.0115)
    expect(scaleOf(panel({ max: 1 }), -50, 0)).toEqual([-1, 1.08])
  })

  test('panels fill lines', () => {
    const panels = [9, 10, 5, 9, 24].map((width, id) => panel({ id, width }))
    expect(linesOf(panels).map((line) => line.map((p) => p.id))).toEqual([[0, 1, 2], [3], [4]])
  })

  test('expressions and legends', () => {
    expect(filled('rate(a{version=~"$version"}[$__rate_interval])', '60s')).toBe('rate(a{version=~".+"}[60s])')
    expect(legendOf('{{code}} of {{ x }}', { code: 'timeout' })).toBe('timeout of ')
  })
})

describe('logs', () => {
  const line = (key: string, level: string, message: string, more: Partial<LogRecord> = {}) => ({
    key,
    record: { time: '', level, message, function: 'a/a/a', ...more },
  })
  const lines = [
    line('1', 'debug', 'cache miss'),
    line('2', 'error', 'boom', { request: '01JD' }),
    line('3', 'info', 'greeted', { version: 7, fields: { user: 'u1', n: 2 } }),
  ]
  const keys = (level: string, text: string, most = 10) => filterLogs(lines, level, text, most).map((l) => l.key)

  test('are filtered by least level and by every word', () => {
    expect(keys('debug', '')).toEqual(['1', '2', '3'])
    expect(keys('info', '')).toEqual(['2', '3'])
    expect(keys('error', '')).toEqual(['2'])
    expect(keys('debug', 'user=u1 @7')).toEqual(['3'])
    expect(keys('debug', '01jd BOOM')).toEqual(['2'])
  })

  test('keep the newest where there are too many', () => {
    expect(keys('debug', '', 2)).toEqual(['2', '3'])
  })

  test('fields are text', () => {
    expect(fieldsText({ ...line('', 'info', '').record, fields: { a: 'x', b: { c: 1 } } })).toBe('a=x b={"c":1}')
  })

  test('a stack is written as one', () => {
    const record = {
      ...line('', 'error', 'TypeError: no').record,
      fields: { error: 'TypeError', stack: [{ function: 'greet', file: 'src/a.ts', line: 4, column: 2 }] },
    }
    expect(stackText(record)).toBe('    at greet src/a.ts:4:2')
    expect(fieldsText(record)).toBe('')
    expect(stackText(line('', 'info', '').record)).toBe('')
  })
})

describe('the version to go back to', () => {
  const deployment = (id: number, kind: string, from: number[], to: number[]): Deployment => ({
    id,
    function: 'a/a/a',
    kind,
    from: from.map((version) => ({ version, weight: 1 })),
    to: to.map((version) => ({ version, weight: 1 })),
    author: '',
    time: '',
  })

  test('is what was live whole before the newest deployment', () => {
    const list = [deployment(3, 'deployed', [6], [7]), deployment(4, 'registered', [], []), deployment(2, 'deployed', [5], [6])]
    expect(previousVersions(list).get('a/a/a')).toBe(6)
  })

  test('is none after a rollback, during a split, or at the first', () => {
    expect(previousVersions([deployment(1, 'rolled_back', [7], [6])]).size).toBe(0)
    expect(previousVersions([deployment(1, 'repointed', [6], [6, 7])]).size).toBe(0)
    expect(previousVersions([deployment(1, 'deployed', [], [1])]).size).toBe(0)
  })
})

describe('a search of the log', () => {
  const search = (text: string, level = 'debug') =>
    searchQuery({ from: 1_767_225_600, to: 1_767_225_900, level, text, limit: 500 })
  test('asks for a time, and for as much of the filter as the server knows', () => {
    const time = 'since=2026-01-01T00%3A00%3A00.000Z&until=2026-01-01T00%3A05%3A00.000Z&limit=500'
    expect(search('')).toBe(time)
    expect(search('card DECLINED', 'warn')).toBe(`${time}&level=warn&q=declined`)
    expect(search('@7 00abcdefgh123456')).toBe(`${time}&version=7&request=00abcdefgh123456`)
  })
  test('does not ask for what a line only shows', () => {
    expect(search('user=ada "x" @me')).not.toContain('q=')
    expect(search('x'.repeat(300))).toContain(`q=${'x'.repeat(200)}`)
  })
})
