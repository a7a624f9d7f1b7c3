import { afterEach, expect, test, vi } from 'vitest'
import { freezeAndSilence } from './freeze-and-silence'

afterEach(() => vi.unstubAllGlobals())

/** Answers each call by its method and path, and keeps what was called. */
function server(answers: Record<string, number>): string[] {
  const calls: string[] = []
  vi.stubGlobal('fetch', async (path: string, init: RequestInit) => {
    const call = `${init.method} ${path}`
    calls.push(call)
    const status = answers[call] ?? 200
    const body = status < 400 ? { id: 7 } : { status, code: 'x', detail: `No: ${call}.` }
    if (status === 204) return new Response(null, { status })
    return new Response(JSON.stringify(body), { status, headers: { 'Content-Type': 'application/json' } })
  })
  return calls
}

const PATH = '/api/v1/teams/growth/freeze'
const BODY = { reason: 'peak', until: '2030-01-01T00:00:00Z' }

test('both are made', async () => {
  const calls = server({ 'DELETE /api/v1/silences/7': 204 })
  await freezeAndSilence(PATH, 'growth', BODY)
  expect(calls).toEqual(['POST /api/v1/silences', `PUT ${PATH}`])
})

test('a silence whose freeze is refused is ended', async () => {
  const calls = server({ [`PUT ${PATH}`]: 403, 'DELETE /api/v1/silences/7': 204 })
  await expect(freezeAndSilence(PATH, 'growth', BODY)).rejects.toMatchObject({ status: 403, message: `No: PUT ${PATH}.` })
  expect(calls.at(-1)).toBe('DELETE /api/v1/silences/7')
})

test('one that cannot be ended either is told of', async () => {
  server({ [`PUT ${PATH}`]: 403, 'DELETE /api/v1/silences/7': 503 })
  await expect(freezeAndSilence(PATH, 'growth', BODY)).rejects.toThrow(/No: PUT .* could not be ended: end it on Alerts/)
})

test('without the silence nothing is frozen', async () => {
  const calls = server({ 'POST /api/v1/silences': 422 })
  await expect(freezeAndSilence(PATH, 'growth', BODY)).rejects.toMatchObject({ status: 422 })
  expect(calls).toHaveLength(1)
})
