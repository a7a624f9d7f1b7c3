import { expect, test } from 'vitest'
import { parseQuota, quotaChanges, quotaText, settingsWith } from './settings'

test('a quota is typed: nothing inherits, and 0 is no bound', () => {
  const typed = { ...quotaText({ functions: 3 }), requests: ' 0 ', memory: '512MiB' }
  expect(parseQuota(typed)).toEqual({ quota: { functions: 3, requests: 0, memory: '512MiB' } })
  expect(parseQuota(quotaText(undefined))).toEqual({ quota: undefined })
  for (const versions of ['-1', '1.5', 'many', '1e3']) expect(parseQuota({ ...typed, versions }).wrong).toContain('versions')
})

test('what will change is said', () => {
  expect(quotaChanges({ functions: 3, memory: '1GiB' }, { functions: 0, versions: 5 })).toEqual([
    'functions: 3 → no bound',
    'versions: the default → 5',
    'memory: 1GiB → the default',
  ])
  expect(quotaChanges(undefined, undefined)).toEqual([])
})

test('what is not on the form stays', () => {
  const own = { escalationPolicy: 'Core', retention: { keep: 3 }, description: 'old' }
  expect(settingsWith(own, { description: ' new ', owners: 'ada, , bob ', contact: '' })).toEqual({
    escalationPolicy: 'Core',
    retention: { keep: 3 },
    description: 'new',
    owners: ['ada', 'bob'],
    contact: undefined,
    quota: undefined,
  })
})
