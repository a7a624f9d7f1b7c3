import { expect, test } from 'vitest'
import type { Token } from '../wire.gen'
import { lastUse, lifeOf, lifeSummary } from './life'

const NOW = Date.parse('2030-06-01T00:00:00Z')
const DAY = 86_400_000
const at = (days: number) => new Date(NOW + days * DAY).toISOString()
const token = (more: Partial<Token> = {}): Token => ({
  name: 'ci',
  team: 'pay',
  role: 'deployer',
  scope: 'pay',
  createdAt: at(-100),
  createdBy: 'ada',
  expired: false,
  expiresAt: at(60),
  usedAt: at(-1),
  ...more,
})

test('a token that ended, ends soon or is used by nobody stands out', () => {
  expect(lifeOf(token(), NOW)).toBe('fine')
  expect(lifeOf(token({ expiresAt: undefined }), NOW)).toBe('fine') // it never ends
  expect(lifeOf(token({ expired: true, expiresAt: at(-1) }), NOW)).toBe('expired')
  expect(lifeOf(token({ expiresAt: at(-1) }), NOW)).toBe('expired') // since the list was read
  expect(lifeOf(token({ expiresAt: at(13) }), NOW)).toBe('soon')
  expect(lifeOf(token({ usedAt: at(-31) }), NOW)).toBe('unused')
  expect(lifeOf(token({ usedAt: undefined, createdAt: at(-31) }), NOW)).toBe('unused')
  expect(lifeOf(token({ usedAt: undefined, createdAt: at(-1) }), NOW)).toBe('fine')
})

test('the list begins with what to look at', () => {
  expect(lifeSummary([token(), token({ expired: true }), token({ expiresAt: at(1) }), token({ expiresAt: at(2) })], NOW)).toBe(
    '1 expired, 2 soon to end',
  )
  expect(lifeSummary([token()], NOW)).toBe('')
})

test('revoking says what may depend on it', () => {
  expect(lastUse(token({ usedAt: undefined }), NOW)).toBe('It was never used.')
  expect(lastUse(token({ usedAt: at(-3) }), NOW)).toContain('3\u202fd ago.')
  expect(lastUse(token({ usedAt: at(-0.1) }), NOW)).toContain('something depends on it')
})
