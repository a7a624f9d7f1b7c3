import { expect, test } from 'vitest'
import { goneOf, levelOf, spenders, type TeamIntake, worstFirst } from './ingest'

const team = (name: string, series: number, more: Partial<TeamIntake> = {}): TeamIntake => ({
  team: name,
  series,
  folded: 0,
  dropped: { series: 0, lost: 0, invalid: 0 },
  pastBudget: [],
  functions: [],
  ...more,
})

test('what a team sends is judged by what becomes of it', () => {
  expect(levelOf(team('a', 79), 100)).toBe('ok')
  expect(levelOf(team('a', 80), 100)).toBe('near')
  expect(levelOf(team('a', 100, { folded: 4, dropped: { series: 4, lost: 0, invalid: 0 } }), 100)).toBe('folded')
  expect(levelOf(team('a', 1, { dropped: { invalid: 2 } }), 100)).toBe('lost')
  expect(levelOf(team('a', 1_000_000), 0)).toBe('ok') // no budget
  expect(goneOf(team('a', 1, { dropped: { series: 9, lost: 1, invalid: 2 } }))).toBe(3)
})

test('the worst team is first', () => {
  const teams = [
    team('calm', 5),
    team('big', 9),
    team('near', 99),
    team('folds', 100, { folded: 1 }),
    team('loses', 1, { dropped: { lost: 1 } }),
  ]
  expect(worstFirst(teams, 100).map((t) => t.team)).toEqual(['loses', 'folds', 'near', 'big', 'calm'])
})

test('the worst function past its own budget is first, with what went past it', () => {
  const of = (name: string, folded: number, lost = 0) => ({
    project: 'web',
    function: name,
    series: 10,
    folded,
    dropped: { series: folded, lost },
  })
  const visits = { metric: 'visits_total', project: 'web', function: 'cart', series: 20, label: 'user', values: 20 }
  const teams = [
    team('pay', 10, {
      pastBudget: [{ metric: 'all', series: 1, label: 'x', values: 1 }, visits],
      functions: [of('cart', 20), of('loses', 1, 2)],
    }),
    team('home', 10, { functions: [of('cart', 90)] }),
  ]
  const worst = spenders(teams)
  expect(worst.map((f) => `${f.team}/${f.project}/${f.function}`)).toEqual(['pay/web/loses', 'home/web/cart', 'pay/web/cart'])
  expect(worst.map((f) => f.culprits)).toEqual([[], [], [visits]])
})
