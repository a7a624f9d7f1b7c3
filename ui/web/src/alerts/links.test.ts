import { expect, test } from 'vitest'
import { aroundIncident, outside } from './links'

const OPENED = Date.parse('2030-01-01T12:00:00Z')
const second = (text: string) => Date.parse(text) / 1000

test('an incident leads to the charts of its time', () => {
  const i = { function: 'pay/core/charge', openedAt: '2030-01-01T12:00:00Z' }
  const later = OPENED + 86_400_000
  expect(aroundIncident({ ...i, closedAt: '2030-01-01T12:20:00Z' }, later)).toBe(
    `/f/pay/core/charge?range=${second('2030-01-01T11:30:00Z')}-${second('2030-01-01T12:30:00Z')}`,
  )
  // What is open goes to now, and no further.
  expect(aroundIncident(i, OPENED + 60_000)).toBe(
    `/f/pay/core/charge?range=${second('2030-01-01T11:30:00Z')}-${second('2030-01-01T12:01:00Z')}`,
  )
  expect(aroundIncident({ function: 'a/b/c', openedAt: '' }, later)).toBe('/f/a/b/c')
})

test('only addresses of the web lead out', () => {
  expect(outside('https://runbooks.example/charge')).toBe('https://runbooks.example/charge')
  for (const address of [undefined, '', 'javascript:alert(1)', '//host', 'data:text/html,x'])
    expect(outside(address)).toBeUndefined()
})
