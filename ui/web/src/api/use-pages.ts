import { useMemo, useState } from 'react'
import type { List } from '../wire.gen'
import { type ApiError, asApiError, request } from './http'
import { type Fetched, useFetch } from './use-fetch'

/** What was read of a long list, from its beginning. */
export interface Pages<T> {
  first: Fetched<List<T>>
  items: T[]
  /** Reads on; null where there is no more. */
  more: (() => void) | null
  busy: boolean
  /** Why the last page that was asked for could not be read. */
  error: ApiError | null
}

/**
 * Reads a list, its first page again each `everyMs`, and further pages on demand. What the first page lets go because
 * new items come before it is kept. The path has a query, and stays the same as long as the component does.
 */
export function usePages<T>(path: string, key: (item: T) => unknown, everyMs = 0): Pages<T> {
  const first = useFetch<List<T>>(path, everyMs)
  const [older, setOlder] = useState<List<T> | null>(null)
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: what tells items apart is the same each time
  const items = useMemo(() => distinct([...(first.data?.items ?? []), ...(older?.items ?? [])], key), [first.data, older])
  const next = older ? older.next : first.data?.next
  const more = async () => {
    setBusy(true)
    try {
      const page = await request<List<T>>(`${path}&cursor=${encodeURIComponent(next ?? '')}`)
      setOlder({ items: [...items, ...page.items], next: page.next })
      setError(null)
    } catch (failure) {
      setError(asApiError(failure))
    } finally {
      setBusy(false)
    }
  }
  return { first, items, more: next ? more : null, busy, error }
}

/** The items in their order, each once: as it comes first. */
export function distinct<T>(items: readonly T[], key: (item: T) => unknown): T[] {
  const seen = new Set<unknown>()
  return items.filter((item) => {
    const k = key(item)
    if (seen.has(k)) return false
    seen.add(k)
    return true
  })
}
