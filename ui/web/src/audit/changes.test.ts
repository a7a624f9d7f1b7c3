import { describe, expect, it } from 'vitest'
import { asText, kindText, query } from './changes'

describe('changes', () => {
  it('leaves empty filters out', () => {
    expect(query({ team: 'pay', author: '', limit: '10' })).toBe('/api/v1/changes?team=pay&limit=10')
  })
  it('reads as words', () => {
    expect(kindText('rolled_back')).toBe('rolled back')
    expect(asText(null)).toBe('nothing')
    expect(asText({ role: 'admin' })).toContain('"role": "admin"')
  })
})
