import { expect, test } from 'vitest'
import { ApiError, asApiError } from '../api/http'
import { refusal } from './refusal'

test('a refusal says what became of what was asked', () => {
  const problem = (status: number, detail: string) => new ApiError(status, { type: '', title: '', status, code: 'x', detail }, '')
  expect(refusal(problem(409, 'The team is frozen.'))).toBe('The team is frozen. Nothing was changed.')
  expect(refusal(problem(503, 'The database is busy.'))).toBe('The database is busy.')
  expect(refusal(asApiError(new TypeError('no JSON')))).toMatch(
    /^The answer could not be read\. Whether it was done is not known/,
  )
})
