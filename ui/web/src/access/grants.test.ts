import { describe, expect, it } from 'vitest'
import { may, mayAnywhere, maySilence, scopesOf, scopeText } from './grants'

describe('grants', () => {
  const some = {
    grants: [
      { role: 'viewer', scope: '' },
      { role: 'deployer', scope: 'growth/signup' },
      { role: 'admin', scope: 'pay' },
      { role: 'of a later server', scope: '' },
    ],
  }
  it('allow what their roles do, in what their scopes cover', () => {
    expect(may(some, 'read', '')).toBe(true)
    expect(may(some, 'read_source', 'home/bff/tv')).toBe(true)
    expect(may(some, 'invoke', 'home/bff/tv')).toBe(false)
    expect(may(some, 'deploy', 'growth/signup/greeting')).toBe(true)
    expect(may(some, 'deploy', 'growth/signup')).toBe(true)
    expect(may(some, 'deploy', 'growth')).toBe(false)
    expect(may(some, 'deploy', 'growth/signup-two/greeting')).toBe(false)
    expect(may(some, 'administer', 'growth/signup')).toBe(false)
    expect(may(some, 'administer', 'pay/core')).toBe(true)
    expect(may(some, 'administer', '')).toBe(false)
    expect(may({ grants: [] }, 'read', 'pay')).toBe(false)
  })
  it('add up to the scopes of an action', () => {
    expect(scopesOf(some, 'deploy')).toEqual(['growth/signup', 'pay'])
    expect(scopesOf(some, 'administer')).toEqual(['pay'])
    expect(mayAnywhere(some, 'administer')).toBe(true)
    expect(mayAnywhere({ grants: some.grants.slice(0, 2) }, 'administer')).toBe(false)
    expect(['', 'pay'].map(scopeText)).toEqual(['everything', 'pay'])
  })
  it('silence everything for admins of everything only', () => {
    expect(maySilence(some, 'pay')).toBe(true)
    expect(maySilence(some, '')).toBe(false)
    expect(maySilence({ grants: [{ role: 'deployer', scope: '' }] }, '')).toBe(false)
    expect(maySilence({ grants: [{ role: 'deployer', scope: '' }] }, 'pay')).toBe(true)
    expect(maySilence({ grants: [{ role: 'admin', scope: '' }] }, '')).toBe(true)
  })
})
