import type { Problem } from '../wire.gen'

let csrf = ''

/** Keeps what each request that changes something, or calls a function, must carry beside the session's cookie. */
export function setCSRF(value: string): void {
  csrf = value
}

/** The header that proves a request is this page's own. */
export function csrfHeader(): Record<string, string> {
  return csrf ? { 'Hadron-Csrf': csrf } : {}
}

/** A refusal in the server's words, with its stable code. */
export class ApiError extends Error {
  readonly status: number
  readonly code: string
  readonly problem: Problem | null

  constructor(status: number, problem: Problem | null, fallback: string) {
    super(problem?.detail || problem?.title || fallback)
    this.status = status
    this.code = problem?.code ?? (status === 0 ? 'unreachable' : 'unknown')
    this.problem = problem
  }
}

/** What failed, as an ApiError; what is none is an answer that could not be read. */
export function asApiError(failure: unknown): ApiError {
  return failure instanceof ApiError ? failure : new ApiError(0, null, 'The answer could not be read.')
}

export interface RequestOptions {
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE'
  body?: unknown
  /** The tag that the thing must still have; else it is left alone, and the answer is 412. */
  ifMatch?: string
  signal?: AbortSignal
}

/** What was read, and the tag by which the server knows whether it has changed since. */
export interface Tagged<T> {
  body: T
  tag: string
}

/** Calls the server and reads its JSON; what is no JSON is not read. Every failure is an ApiError, an abort excepted. */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  return read<T>(await answerOf(path, options))
}

/** The same, with the answer's tag. */
export async function requestTagged<T>(path: string, options: RequestOptions = {}): Promise<Tagged<T>> {
  const response = await answerOf(path, options)
  return { body: await read<T>(response), tag: response.headers.get('ETag') ?? '' }
}

async function read<T>(response: Response): Promise<T> {
  const type = response.headers.get('Content-Type') ?? ''
  return (type.includes('json') ? await response.json() : undefined) as T
}

/** Reads an answer that is one JSON value a line. */
export async function requestLines<T>(path: string, options: RequestOptions = {}): Promise<T[]> {
  const text = await (await answerOf(path, options)).text()
  return text.split('\n').flatMap((line) => (line ? [JSON.parse(line) as T] : []))
}

async function answerOf(path: string, options: RequestOptions): Promise<Response> {
  const headers: Record<string, string> = { Accept: 'application/json', ...csrfHeader() }
  if (options.body !== undefined) headers['Content-Type'] = 'application/json'
  if (options.ifMatch) headers['If-Match'] = options.ifMatch
  let response: Response
  try {
    response = await fetch(path, {
      method: options.method ?? 'GET',
      headers,
      body: options.body === undefined ? undefined : JSON.stringify(options.body),
      signal: options.signal,
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiError(0, null, 'The server cannot be reached.')
  }
  if (!response.ok) throw new ApiError(response.status, await readProblem(response), `The server answered ${response.status}.`)
  return response
}

async function readProblem(response: Response): Promise<Problem | null> {
  try {
    const body: unknown = await response.json()
    return typeof body === 'object' && body !== null && 'status' in body ? (body as Problem) : null
  } catch {
    return null
  }
}

/** The path of a function's part of the API: functionPath('a/b/c', 'versions'). */
export function functionPath(name: string, part = ''): string {
  return `/api/v1/functions/${name}${part && `/${part}`}`
}
