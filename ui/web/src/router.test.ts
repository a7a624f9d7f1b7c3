import { expect, test } from 'vitest'
import { parseRoute } from './router'

test('addresses name pages', () => {
  expect(parseRoute('/')).toEqual({ page: 'overview' })
  expect(parseRoute('/alerts')).toEqual({ page: 'alerts' })
  expect(parseRoute('/f/growth/sign-up/greeting')).toEqual({ page: 'function', name: 'growth/sign-up/greeting' })
  expect(parseRoute('/teams')).toEqual({ page: 'teams' })
  expect(parseRoute('/teams/growth')).toEqual({ page: 'team', name: 'growth' })
  for (const path of ['/f/a/b', '/f/A/b/c', '/f/a/b/c/d', '/nope', '/teams/Growth', '/teams/a/b', '/f/a/../c'])
    expect(parseRoute(path)).toEqual({ page: 'missing' })
})
