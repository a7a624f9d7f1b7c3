import { useCallback, useEffect, useState } from 'react'
import { type ApiError, asApiError, type RequestOptions, request } from './http'

export interface Fetched<T> {
  data: T | null
  error: ApiError | null
  /** When the data came. */
  at: number | null
  /** Fetches again now; what is there stays until the answer comes. */
  reload: () => void
}

/**
 * Reads a path of the API, again each `everyMs` while the page is visible. A
 * failure leaves the last data in place beside the error. A null path reads nothing.
 * `read` is one function, not a new one each time.
 */
export function useFetch<T>(
  path: string | null,
  everyMs = 0,
  read: (path: string, options: RequestOptions) => Promise<T> = request,
): Fetched<T> {
  const [state, setState] = useState<{ path: string | null; data: T | null; error: ApiError | null; at: number | null }>({
    path,
    data: null,
    error: null,
    at: null,
  })
  const [turn, setTurn] = useState(0)

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new turn is a wish to fetch again
  useEffect(() => {
    if (path === null) return
    const abort = new AbortController()
    let timer = 0
    const load = async () => {
      if (!document.hidden || everyMs === 0) {
        try {
          const data = await read(path, { signal: abort.signal })
          setState({ path, data, error: null, at: Date.now() })
        } catch (error) {
          if (abort.signal.aborted) return
          setState((last) => ({
            path,
            data: last.path === path ? last.data : null,
            error: asApiError(error),
            at: last.path === path ? last.at : null,
          }))
        }
      }
      if (everyMs > 0 && !abort.signal.aborted) timer = window.setTimeout(load, everyMs)
    }
    void load()
    return () => {
      abort.abort()
      window.clearTimeout(timer)
    }
  }, [path, everyMs, turn, read])

  const reload = useCallback(() => setTurn((n) => n + 1), [])
  const mine = state.path === path
  return { data: mine ? state.data : null, error: mine ? state.error : null, at: mine ? state.at : null, reload }
}
