import { createContext, useCallback, useContext, useEffect, useRef, useState, useSyncExternalStore } from 'react'
import { Connection, type Link, type Socket } from './connection'
import type { Topic } from './topic'
import type { TopicSpec } from './topics'

export function browserConnection(): Connection {
  return new Connection({
    open: (protocols) => {
      const url = new URL('/api/v1/live', window.location.href)
      url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:'
      return adapt(new WebSocket(url, protocols))
    },
    now: () => Date.now(),
    later: (run, ms) => {
      const id = window.setTimeout(run, ms)
      return () => window.clearTimeout(id)
    },
    random: Math.random,
  })
}

function adapt(socket: WebSocket): Socket {
  const out: Socket = { onmessage: null, onclose: null, send: (text) => socket.send(text), close: (code) => socket.close(code) }
  socket.onmessage = (event) => out.onmessage?.(event)
  socket.onclose = (event) => out.onclose?.(event)
  return out
}

export const LiveContext = createContext<Connection | null>(null)

export function useConnection(): Connection {
  const connection = useContext(LiveContext)
  if (!connection) throw new Error('LiveContext is missing')
  return connection
}

/** The topic's state; the component renders again when items or errors change. */
export function useTopic<T>(spec: TopicSpec<T>): Topic<T> {
  const connection = useConnection()
  const listen = useCallback((notify: () => void) => connection.subscribe(spec, notify), [connection, spec])
  const read = useCallback(() => connection.getTopic<T>(spec.name), [connection, spec])
  return useSyncExternalStore(listen, read)
}

/** The states of several topics; `specs` must be the same array while they are the same topics. */
export function useTopics<T>(specs: readonly TopicSpec<T>[]): readonly Topic<T>[] {
  const connection = useConnection()
  const last = useRef<readonly Topic<T>[]>([])
  const listen = useCallback(
    (notify: () => void) => {
      const ends = specs.map((spec) => connection.subscribe(spec, notify))
      return () => {
        for (const end of ends) end()
      }
    },
    [connection, specs],
  )
  const read = useCallback(() => {
    const next = specs.map((spec) => connection.getTopic<T>(spec.name))
    if (next.length !== last.current.length || next.some((topic, i) => topic !== last.current[i])) last.current = next
    return last.current
  }, [connection, specs])
  return useSyncExternalStore(listen, read)
}

export function useLink(): Link {
  const connection = useConnection()
  return useSyncExternalStore(connection.onLink, connection.getLink)
}

/** The time, each second. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    const id = window.setInterval(() => setNow(Date.now()), 1000)
    return () => window.clearInterval(id)
  }, [])
  return now
}

/** Whether what is on the screen is older than it should be: the connection is away, or silent. */
export function isStale(link: Link, now: number): boolean {
  if (link.phase === 'lost' || link.phase === 'refused') return true
  return link.heardAt !== null && now - link.heardAt > 5000 + 3000 * link.step
}
