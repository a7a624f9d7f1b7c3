import { expect, test } from 'vitest'
import { fullness, ownerText, tokenUse } from './use'

test('tokens are counted by team, the most first', () => {
  const of = (...teams: string[]) => tokenUse(teams.map((team) => ({ team })))
  expect(of('pay', 'growth', '', 'growth', 'ads')).toEqual([
    { team: 'growth', count: 2 },
    { team: '', count: 1 },
    { team: 'ads', count: 1 },
    { team: 'pay', count: 1 },
  ])
  expect(of()).toEqual([])
  expect(['', 'pay'].map(ownerText)).toEqual(['the installation', 'pay'])
})

test('a bound that is near is told', () => {
  expect([79, 80, 99, 100].map((n) => fullness(n, 100))).toEqual(['', ' ! nearly full', ' ! nearly full', ' ! full'])
  expect(fullness(3, 0)).toBe('')
})
