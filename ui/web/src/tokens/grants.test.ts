import { describe, expect, it } from 'vitest'
import { administers, firstScope, grantsText } from './grants'

describe('grants', () => {
  const some = [
    { role: 'viewer', scope: '' },
    { role: 'admin', scope: 'pay' },
  ]
  it('knows who manages tokens, and where', () => {
    expect(administers({ grants: some })).toBe(true)
    expect(administers({ grants: some.slice(0, 1) })).toBe(false)
    expect(firstScope({ grants: some })).toBe('pay')
  })
  it('says them in words', () => {
    expect(grantsText(some)).toBe('viewer of everything, admin of pay')
  })
})
