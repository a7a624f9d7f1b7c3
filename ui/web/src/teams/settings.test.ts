import { expect, test } from 'vitest'
import { changes, consequences, contested, formOf, onTop, settingsOf } from './settings'

test('what is typed becomes settings: nothing inherits, and 0 is no bound', () => {
  const typed = { ...formOf({ quota: { functions: 3 } }), requests: ' 0 ', memory: '512MiB', keep: '20', owners: 'ada, , bob ' }
  expect(settingsOf({}, typed)).toEqual({
    settings: { owners: ['ada', 'bob'], retention: { keep: 20 }, quota: { functions: 3, requests: 0, memory: '512MiB' } },
    wrong: '',
  })
  expect(settingsOf({ quota: { functions: 3 }, retention: { days: 3 } }, formOf({})).settings).toEqual({})
  for (const versions of ['-1', '1.5', 'many', '1e3'])
    expect(settingsOf({}, { ...typed, versions }).wrong).toContain('Versions of all')
  expect(settingsOf({}, { ...typed, days: 'a week' }).wrong).toContain('Days')
})

test('settings come back as they were', () => {
  const own = {
    description: 'Sign-up',
    owners: ['ada', 'bob'],
    contact: '#growth',
    escalationPolicy: 'Core',
    retention: { keep: 3, days: 0 },
    quota: { functions: 0, secrets: 5, memory: '1GiB' },
  }
  expect(settingsOf(own, formOf(own)).settings).toEqual(own)
})

test('what will change is said, with what comes of it', () => {
  const before = formOf({ quota: { functions: 3, memory: '1GiB' }, contact: '#a' })
  const after = formOf({ quota: { functions: 0, versions: 5 }, contact: '#b', retention: { keep: 0 } })
  expect(changes(before, after)).toEqual([
    'Contact: “#a” → “#b”',
    'Versions kept of each function: inherited → all',
    'Functions: 3 → no bound',
    'Versions of all functions together: inherited → 5',
    'Memory of its worker, such as 512MiB: 1GiB → inherited',
  ])
  expect(changes(before, { ...before, owners: ' ' })).toEqual([])
  expect(consequences(['contact'])).toEqual([])
  expect(consequences(['functions', 'versions', 'keep', 'escalationPolicy'])).toHaveLength(3)
})

test('what was typed is kept on top of what another has written', () => {
  const read = formOf({ contact: '#a', owners: ['ada'], quota: { functions: 3 } })
  const theirs = formOf({ contact: '#theirs', owners: ['ada', 'bob'], quota: { functions: 9 } })
  const typed = { ...read, contact: '#mine', functions: '9', description: 'new' }
  expect(onTop(read, theirs, typed)).toEqual({ ...theirs, contact: '#mine', description: 'new' })
  expect(contested(read, theirs, typed)).toEqual(['contact'])
})
