import { expect, test } from 'vitest'
import type { Deployment } from '../wire.gen'
import { endWords, fits, MOST } from './list'

function change(id: number, more: Partial<Deployment> = {}): Deployment {
  return { id, function: 'pay/core/charge', kind: 'deployed', from: [], to: [], author: 'ada', time: '', ...more } as Deployment
}

test('changes are found by all words, in any field', () => {
  const all = [change(3, { message: 'new copy' }), change(2, { function: 'home/bff/tv' }), change(1, { author: 'bea' })]
  const ids = (text: string) => fits(all, text).map((d) => d.id)
  expect(ids('')).toEqual([3, 2, 1])
  expect(ids('  charge ADA ')).toEqual([3])
  expect(ids('copy')).toEqual([3])
  expect(ids('tv bea')).toEqual([])
})

test('the end of the list says of how much it is', () => {
  const end = { read: 100, fitting: 100, searched: false, more: true }
  expect(endWords(end)).toBe('The last 100 changes.')
  expect(endWords({ ...end, more: false })).toBe('All 100 changes that are kept.')
  expect(endWords({ ...end, read: 1, fitting: 1, more: false })).toBe('The only change that is kept.')
  expect(endWords({ ...end, fitting: 3, searched: true })).toBe('3 of the last 100 changes fit.')
  expect(endWords({ ...end, fitting: 0, searched: true, more: false })).toBe('0 of all 100 changes fit.')
  expect(endWords({ ...end, read: MOST + 7, fitting: MOST + 7 })).toBe(
    'The last 1007 changes. The newest 1000 of them are shown.',
  )
})
