import { useEffect, useRef, useState } from 'react'
import type { Health } from '../wire.gen'
import { holdOrder, type SortKey, sortRows } from './rows'

const RESORT_MS = 5000

/**
 * The rows in a calm order. By state they move only when a state changes; by a
 * number they are sorted anew every few seconds; and never while `held`. Another
 * `list` begins anew.
 */
export function useCalmOrder(rows: Health[], key: SortKey, held: boolean, list: string): Health[] {
  const last = useRef<{ list: string; names: string[]; at: number } | null>(null)
  const now = Date.now()
  const was = last.current
  const numeric = key !== 'worst' && key !== 'name'
  const keep = was !== null && was.names.length > 0 && was.list === list && (held || (numeric && now - was.at < RESORT_MS))
  const ordered = keep ? holdOrder(rows, was.names) : sortRows(rows, key)
  const at = keep ? was.at : now
  useEffect(() => {
    last.current = { list, names: ordered.map((h) => h.function), at }
  })
  return ordered
}

/** Which rows changed their state a moment ago, and the sentence that says so aloud. */
export function useStateChanges(items: ReadonlyMap<string, Health>): { changed: ReadonlySet<string>; said: string } {
  const states = useRef<Map<string, string> | null>(null)
  const [changed, setChanged] = useState<ReadonlySet<string>>(new Set())
  const [said, setSaid] = useState('')
  useEffect(() => {
    const before = states.current
    const fresh: Health[] = []
    const now = new Map<string, string>()
    for (const [name, h] of items) {
      now.set(name, h.state)
      const old = before?.get(name)
      if (old !== undefined && old !== h.state) fresh.push(h)
    }
    if (items.size > 0) states.current = now
    if (fresh.length === 0) return
    setChanged(new Set(fresh.map((h) => h.function)))
    const [one] = fresh
    setSaid(fresh.length === 1 && one ? `${one.function} is now ${one.state}` : `${fresh.length} functions changed their state`)
  }, [items])
  useEffect(() => {
    if (changed.size === 0) return
    const id = window.setTimeout(() => setChanged(new Set()), 4000)
    return () => window.clearTimeout(id)
  }, [changed])
  return { changed, said }
}
