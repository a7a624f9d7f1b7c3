import { expect, test } from 'vitest'
import { parseRoute } from './router'

test('addresses name pages', () => {
  expect(parseRoute('/')).toEqual({ page: 'overview' })
  expect(parseRoute('/alerts')).toEqual({ page: 'alerts' })
  expect(parseRoute('/f/growth/sign-up/greeting')).toEqual({ page: 'function', name: 'growth/sign-up/greeting' })
  expect(parseRoute('/teams')).toEqual({ page: 'teams' })
  expect(parseRoute('/teams/growth')).toEqual({ page: 'team', name: 'growth' })
  expect(parseRoute('/teams/growth/sign-up')).toEqual({ page: 'team', name: 'growth/sign-up' })
  for (const path of ['/f/a/b', '/f/A/b/c', '/f/a/b/c/d', '/nope', '/teams/Growth', '/teams/a/b/c', '/f/a/../c'])
    expect(parseRoute(path)).toEqual({ page: 'missing' })
})
