import { describe, expect, it } from 'vitest'
import { asText, query, targetOf } from './changes'

describe('changes', () => {
  it('names what was changed and leads there', () => {
    const of = (subject: string, scope = 'growth', after: unknown = null) => targetOf({ subject, scope, after })
    expect(targetOf({ function: 'a/b/c', scope: 'a/b', after: null })).toEqual({ text: 'a/b/c', to: '/f/a/b/c' })
    expect(of('team:growth')).toEqual({ text: 'growth', to: '/teams/growth' })
    expect(of('project:growth/signup', 'growth/signup')).toEqual({ text: 'growth/signup', to: '/teams/growth/signup' })
    expect(of('secret:growth/API_KEY')).toEqual({ text: 'growth/API_KEY', to: '/teams/growth' })
    expect(of('token:growth/ci')).toEqual({ text: 'growth/ci', to: '/tokens' })
    expect(of('silence:3', 'a/b', { scope: 'a/b/c' })).toEqual({ text: 'a/b/c', to: '/alerts' })
    expect(of('silence:4', '', { scope: '' })).toEqual({ text: 'everything', to: '/alerts' })
    expect(of('alerts:a/b/c', 'a/b')).toEqual({ text: 'a/b/c', to: '/f/a/b/c' })
    expect(of('version:a/b/c@7', 'a/b')).toEqual({ text: 'a/b/c@7', to: '/f/a/b/c' })
    expect(of('secrets', '')).toEqual({ text: 'all secrets' })
    expect(of('of_another:release').text).toBe('of_another:release')
  })
  it('leaves empty filters out', () => {
    expect(query({ team: 'pay', author: '', limit: '10' })).toBe('/api/v1/changes?team=pay&limit=10')
  })
  it('reads as words', () => {
    expect(asText(null)).toBe('nothing')
    expect(asText({ role: 'admin' })).toContain('"role": "admin"')
  })
})
