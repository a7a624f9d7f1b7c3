import { expect, test } from 'vitest'
import type { Deployment, Rollout } from '../wire.gen'
import { standing } from './standing'

const change = (id: number, name: string, kind: string, rollout?: Partial<Rollout>): Deployment => ({
  id,
  function: name,
  kind,
  from: [{ version: 1, weight: 100 }],
  to: [{ version: id, weight: 100 }],
  author: 'ada',
  time: '2030-01-01T00:00:00Z',
  ...(rollout && { rollout: rollout as Rollout }),
})

test('a rollback begins at what is live now', () => {
  const all = [
    change(1, 'a/b/c', 'deployed'),
    change(2, 'a/b/c', 'repointed'),
    change(3, 'a/b/c', 'registered'), // nothing points at it
    { ...change(9, 'a/b/c', 'repointed'), to: [] }, // of another alias
    change(4, 'a/b/gone', 'deployed'),
    change(5, 'a/b/gone', 'deleted'),
    change(6, 'a/b/moving', 'rollout', { active: true }),
    change(7, 'a/b/moving', 'repointed'),
    change(8, 'a/b/moved', 'rollout', { active: false }),
    { ...change(10, 'a/b/first', 'deployed'), from: [] }, // there is nothing to go back to
  ]
  expect([...standing(all)].sort()).toEqual([2, 8])
})
