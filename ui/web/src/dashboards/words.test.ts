import { describe, expect, test } from 'vitest'
import { cellURL, filled, legendOf, rowsOf, wordOf } from '../function/model'
import type { DashboardPanel } from '../wire.gen'
import { driftText, progressText } from './words'

describe('dashboards', () => {
  const column = (title: string, label: string, query = 0) => ({ title, label, query, thresholds: [] })

  test('answers with the same labels are one row, in the order of the first', () => {
    const panel = { columns: [column('Team', 'team'), column('Errors', '', 0), column('Rate', '', 1)] } as Pick<
      DashboardPanel,
      'columns'
    >
    const rows = rowsOf(panel, [
      [
        { labels: { team: 'b' }, value: 3 },
        { labels: { team: 'a' }, value: 1 },
      ],
      [{ labels: { team: 'a', instance: 'x' }, value: 9 }],
    ])
    expect(rows.map((r) => [r.labels.team, ...r.values])).toEqual([
      ['b', 3, null],
      ['a', 1, 9],
    ])
  })

  test('a cell leads to the page in this app', () => {
    expect(cellURL('http://h:8080/f/{{team}}/{{project}}/{{function}}', { team: 'a', project: 'b', function: 'c' })).toBe(
      '/f/a/b/c',
    )
  })

  test('variables are filled, states are words, and all labels make a legend', () => {
    expect(filled('rate(x{version=~"$version",instance=~"$instance"}[$window])', '1m')).toBe(
      'rate(x{version=~".+",instance=~".+"}[15m])',
    )
    expect(wordOf({ words: [{ value: 3, text: 'failing' }] }, 3)).toBe('failing')
    expect(wordOf({}, 3)).toBeNull()
    expect(legendOf('__auto', { __name__: 'x', b: '2', a: '1' })).toBe('1 2')
  })

  test('what became of a change is said', () => {
    const drift = { at: '', version: 7, by: 'ada' }
    expect(driftText({ ...drift, policy: 'overwrite' })).toContain('version 7')
    expect(driftText({ ...drift, policy: 'keep' })).toContain('by ada')
    expect(driftText({ ...drift, policy: 'fork' })).toContain('copy')
    const d = { target: 'files', ready: 2, total: 5, pending: 2, failed: 1, drifted: 0 }
    expect(progressText(d as never)).toBe('2 of 5 dashboards are ready as files, 2 on their way, 1 failed')
  })
})
