import { useCallback, useSyncExternalStore } from 'react'

const CHANGED = 'hadron:navigate'

function listen(notify: () => void): () => void {
  window.addEventListener('popstate', notify)
  window.addEventListener(CHANGED, notify)
  return () => {
    window.removeEventListener('popstate', notify)
    window.removeEventListener(CHANGED, notify)
  }
}

/** Goes to an address of the app. */
export function navigate(to: string, replace = false): void {
  if (replace) window.history.replaceState(null, '', to)
  else window.history.pushState(null, '', to)
  window.dispatchEvent(new Event(CHANGED))
}

export function usePath(): string {
  return useSyncExternalStore(listen, () => window.location.pathname)
}

/** The query of the address, with its question mark. */
export function useSearch(): string {
  return useSyncExternalStore(listen, () => window.location.search)
}

/** One parameter of the address; setting it to its fallback takes it out. What is to be kept, the back button returns to. */
export function useParam(name: string, fallback = '', keep = false): [string, (value: string) => void] {
  const value = useSyncExternalStore(listen, () => new URLSearchParams(window.location.search).get(name) ?? fallback)
  const set = useCallback(
    (next: string) => {
      const params = new URLSearchParams(window.location.search)
      if (next === fallback) params.delete(name)
      else params.set(name, next)
      const query = params.toString()
      const to = window.location.pathname + (query && `?${query}`)
      if (to !== window.location.pathname + window.location.search) navigate(to, !keep)
    },
    [name, fallback, keep],
  )
  return [value, set]
}

export type Route =
  | { page: 'overview' }
  | { page: 'wall' }
  | { page: 'system' }
  | { page: 'alerts' }
  | { page: 'deployments' }
  | { page: 'dashboards'; of: string }
  | { page: 'teams' }
  | { page: 'team'; name: string }
  | { page: 'audit' }
  | { page: 'tokens' }
  | { page: 'function'; name: string }
  | { page: 'missing' }

const PART = '[a-z][a-z0-9-]{0,62}'
const TEAM = new RegExp(`^/teams/(${PART}(?:/${PART})?)/?$`)
const DASHBOARD = new RegExp(`^/dashboards(?:/(_platform|${PART}(?:/${PART})?))?/?$`)
const FUNCTION = new RegExp(`^/f/(${PART}/${PART}/${PART})/?$`)

export function parseRoute(path: string): Route {
  if (path === '/') return { page: 'overview' }
  if (path === '/wall') return { page: 'wall' }
  if (path === '/system') return { page: 'system' }
  if (path === '/alerts') return { page: 'alerts' }
  if (path === '/deployments') return { page: 'deployments' }
  const dashboard = DASHBOARD.exec(path)
  if (dashboard) return { page: 'dashboards', of: dashboard[1] ?? '' }
  if (path === '/teams') return { page: 'teams' }
  const team = TEAM.exec(path)?.[1]
  if (team) return { page: 'team', name: team }
  if (path === '/audit') return { page: 'audit' }
  if (path === '/tokens') return { page: 'tokens' }
  const name = FUNCTION.exec(path)?.[1]
  return name ? { page: 'function', name } : { page: 'missing' }
}
