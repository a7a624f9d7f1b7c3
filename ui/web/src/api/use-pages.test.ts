import { expect, test } from 'vitest'
import { distinct } from './use-pages'

test('pages that overlap show each item once, the newest word of it', () => {
  const rows = [
    { id: 3, word: 'new' },
    { id: 2, word: 'b' },
    { id: 3, word: 'old' },
    { id: 1, word: 'a' },
  ]
  expect(distinct(rows, (r) => r.id).map((r) => r.word)).toEqual(['new', 'b', 'a'])
})
