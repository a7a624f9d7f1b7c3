import type { Parameters } from '../live/topics'
import { STATES, type StateName } from '../parts/state'
import type { StateCounts } from '../wire.gen'
import { type SortKey, sortKey } from './rows'

/** What the overview shows, as its address says. */
export interface Query {
  text: string
  states: readonly StateName[] // none: all
  scope: string
  sort: SortKey
  grouped: boolean
}

/** Reads the states of an address; what is no state is left out. */
export function parseStates(text: string): StateName[] {
  const given = text.split(',')
  return STATES.filter((state) => given.includes(state))
}

/** The states with one more, or one less. */
export function toggled(states: readonly StateName[], state: StateName): string {
  return STATES.filter((s) => (s === state) !== states.includes(s)).join(',')
}

export function parseQuery(search: string): Query {
  const p = new URLSearchParams(search)
  return {
    text: (p.get('q') ?? '').trim(),
    states: parseStates(p.get('state') ?? ''),
    scope: p.get('scope') ?? '',
    sort: sortKey(p.get('sort') ?? ''),
    grouped: p.get('group') === 'project',
  }
}

/** The parameters of the topics that answer a query. */
export function parametersOf(q: Query): Parameters {
  return { q: q.text, state: q.states.join(','), scope: q.scope, sort: q.sort === 'worst' ? '' : q.sort }
}

/** How many functions of a count have a reason to show. */
export function badOf(counts: StateCounts | undefined, states: readonly StateName[]): number {
  if (!counts) return 0
  const asked = (state: StateName) => states.length === 0 || states.includes(state)
  return (asked('failing') ? counts.failing : 0) + (asked('degraded') ? counts.degraded : 0)
}
