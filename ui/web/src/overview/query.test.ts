import { describe, expect, test } from 'vitest'
import { groupsTopic, pageTopic, summaryTopic } from '../live/topics'
import type { Group } from '../wire.gen'
import { orderGroups } from './groups'
import { heightsOf, pagesOf } from './pages'
import { badOf, parametersOf, parseQuery, toggled } from './query'
import { dropView, keepView, readViews } from './saved'

const counts = { failing: 2, degraded: 3, unknown: 0, healthy: 5, idle: 0 }

describe('the address', () => {
  test('is the view', () => {
    const query = parseQuery('?q= card  declined &state=idle,failing,angry&scope=pay/core&sort=p99&group=project')
    expect(query).toEqual({ text: 'card  declined', states: ['failing', 'idle'], scope: 'pay/core', sort: 'p99', grouped: true })
    expect(pageTopic({ ...parametersOf(query), from: 100, limit: 100 }).name).toBe(
      'overview?scope=pay%2Fcore&state=failing%2Cidle&q=card++declined&sort=p99&from=100&limit=100',
    )
  })

  test('that says nothing asks for everything, in one way only', () => {
    const parameters = parametersOf(parseQuery(''))
    expect(pageTopic({ ...parameters, from: 0, limit: 100 }).name).toBe('overview?limit=100')
    expect(parametersOf(parseQuery('?sort=luck&state=')).sort).toBe('')
  })

  test('counts are of all states, groups of those that are asked for', () => {
    const parameters = parametersOf(parseQuery('?state=failing&q=x&sort=rate'))
    expect(summaryTopic(parameters).name).toBe('summary?q=x')
    expect(groupsTopic(parameters).name).toBe('groups?state=failing&q=x')
  })

  test('states are pressed one by one', () => {
    expect(toggled(['failing'], 'idle')).toBe('failing,idle')
    expect(toggled(['failing', 'idle'], 'failing')).toBe('idle')
    expect(toggled(['idle'], 'idle')).toBe('')
  })
})

describe('pages', () => {
  test('are those in view', () => {
    expect(pagesOf(0, 40)).toEqual([0])
    expect(pagesOf(90, 110)).toEqual([0, 1])
    expect(pagesOf(5000, 5036)).toEqual([50])
    expect(pagesOf(99, 100)).toEqual([0])
    expect(pagesOf(0, 0)).toEqual([0])
  })

  test('keep the height of rows that were seen, and guess those that were not', () => {
    const remembered = new Map<number, number>()
    const tall = (row: string) => (row === 'bad' ? 54 : 29)
    const guess = (i: number) => (i < badOf(counts, []) ? 54 : 29)
    const first = heightsOf(8, { start: 4, rows: ['bad', 'fine', 'bad'] }, tall, guess, remembered)
    expect([...first]).toEqual([54, 54, 54, 54, 54, 29, 54, 29])
    const later = heightsOf(8, { start: 0, rows: ['bad'] }, tall, guess, remembered)
    expect(later[6]).toBe(54)
    expect([...remembered]).toEqual([[6, 54]])
  })

  test('know how many rows have a reason', () => {
    expect(badOf(counts, [])).toBe(5)
    expect(badOf(counts, ['degraded', 'idle'])).toBe(3)
    expect(badOf(undefined, [])).toBe(0)
  })
})

test('groups are worst first, and teams stay together', () => {
  const group = (name: string, state: string) => ({ group: name, state }) as Group
  const ordered = orderGroups([
    group('a/x', 'healthy'),
    group('b/x', 'healthy'),
    group('a/y', 'idle'),
    group('b/y', 'failing'),
    group('c/x', 'odd'),
  ])
  expect(ordered.map((g) => g.group)).toEqual(['b/y', 'b/x', 'c/x', 'a/x', 'a/y'])
})

test('saved views survive what others wrote there', () => {
  const kept = new Map<string, string>()
  const store = { getItem: (k: string) => kept.get(k) ?? null, setItem: (k: string, v: string) => void kept.set(k, v) }
  expect(readViews(store)).toEqual([])
  keepView(store, { name: 'mine', search: '?q=a' })
  keepView(store, { name: 'mine', search: '?q=b' })
  expect(keepView(store, { name: 'other', search: '' }).map((v) => v.search)).toEqual(['?q=b', ''])
  expect(dropView(store, 'mine')).toEqual([{ name: 'other', search: '' }])
  store.setItem(
    'hadron.views',
    JSON.stringify([{ name: 'x', search: '//evil' }, null, { name: 1 }, { name: 'y', search: '?q=1' }]),
  )
  expect(readViews(store)).toEqual([{ name: 'y', search: '?q=1' }])
  store.setItem('hadron.views', '{nonsense')
  expect(readViews(store)).toEqual([])
})
