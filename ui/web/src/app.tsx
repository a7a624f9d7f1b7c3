import { lazy, Suspense, useCallback, useEffect, useRef, useState } from 'react'
import { SessionContext } from './access/use-session'
import { ApiError, request, setCSRF } from './api/http'
import { browserConnection, LiveContext, useLink } from './live/use-live'
import { Overview } from './overview/overview'
import { Failed } from './parts/failed'
import { Link } from './parts/link'
import { Loading, Notice } from './parts/notice'
import { Shell } from './parts/shell'
import { SignIn } from './parts/sign-in'
import { parseRoute, usePath } from './router'
import type { Session } from './wire.gen'

const FunctionPage = lazy(() => import('./function/function-page'))
const AlertsPage = lazy(() => import('./alerts/alerts-page'))
const WallPage = lazy(() => import('./overview/wall-page'))
const SystemPage = lazy(() => import('./system/system-page'))
const AuditPage = lazy(() => import('./audit/audit-page'))
const TokensPage = lazy(() => import('./tokens/tokens-page'))
const DeploymentsPage = lazy(() => import('./deployments/deployments-page'))
const DashboardsPage = lazy(() => import('./dashboards/dashboards-page'))
const TeamsPage = lazy(() => import('./teams/teams-page'))
const TeamPage = lazy(() => import('./teams/team-page'))

const first = { session: request<Session>('/api/v1/session').catch(() => null) }

/** Who looks at the page. The first time it was asked for when this file was read, while the rest was. */
async function readSession(signal: AbortSignal): Promise<Session> {
  const early = first.session
  first.session = Promise.resolve(null)
  return (await early) ?? request<Session>('/api/v1/session', { signal })
}

/** Signs in where the server asks for it, then shows the page of the address. */
export function App() {
  const [connection] = useState(browserConnection)
  const [session, setSession] = useState<Session | null>(null)
  const [turn, setTurn] = useState(0)
  const look = useCallback(() => setTurn((n) => n + 1), [])

  // Whose connection it is. It begins before anything is drawn, so that it is there when the page is.
  const connected = useRef('')
  useEffect(() => {
    // A page that the browser keeps for the back button would be sent what nobody looks at.
    const hide = () => connection.stop()
    const show = (event: PageTransitionEvent) => {
      if (event.persisted && connected.current) connection.start()
    }
    window.addEventListener('pagehide', hide)
    window.addEventListener('pageshow', show)
    return () => {
      window.removeEventListener('pagehide', hide)
      window.removeEventListener('pageshow', show)
      connected.current = ''
      connection.stop()
    }
  }, [connection])

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new turn is a wish to look again
  useEffect(() => {
    const abort = new AbortController()
    let timer = 0
    const load = async () => {
      try {
        const found = await readSession(abort.signal)
        if (abort.signal.aborted) return
        setCSRF(found.csrf ?? '')
        if (connected.current !== found.name) {
          connection.stop()
          if (found.name) connection.start()
          connected.current = found.name
        }
        setSession(found)
      } catch {
        if (!abort.signal.aborted) timer = window.setTimeout(load, RETRY)
      }
    }
    void load()
    return () => {
      abort.abort()
      window.clearTimeout(timer)
    }
  }, [turn])

  const name = session?.name ?? ''
  const signOut = () => {
    request('/api/v1/session', { method: 'DELETE' }).then(look, look)
  }
  if (session === null) return <Loading what="who you are" lines={6} />
  if (!name) return <SignIn provider={session.provider} onDone={look} />
  return (
    <SessionContext value={session}>
      <LiveContext value={connection}>
        <SignInWatch onRefused={look} />
        <Shell onSignOut={session.kind === 'session' ? signOut : null}>
          <Failed>
            <Suspense fallback={<Loading what="the page" lines={6} />}>
              <Page />
            </Suspense>
          </Failed>
        </Shell>
      </LiveContext>
    </SessionContext>
  )
}

const RETRY = 2000

/** A refused websocket handshake looks like a lost one to a browser; the API says which it is. */
function SignInWatch({ onRefused }: { onRefused: () => void }) {
  const phase = useLink().phase
  useEffect(() => {
    if (phase === 'refused') {
      onRefused()
      return
    }
    if (phase === 'live') return
    const abort = new AbortController()
    request('/api/v1/functions?limit=1', { signal: abort.signal }).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 401) onRefused()
    })
    return () => abort.abort()
  }, [phase, onRefused])
  return null
}

function Page() {
  const path = usePath()
  const route = parseRoute(path)
  useEffect(() => {
    document.title = route.page === 'function' ? `${route.name} · Hadron` : 'Hadron'
  })
  switch (route.page) {
    case 'overview':
      return <Overview />
    case 'wall':
      return <WallPage />
    case 'system':
      return <SystemPage />
    case 'alerts':
      return <AlertsPage />
    case 'deployments':
      return <DeploymentsPage />
    case 'dashboards':
      return <DashboardsPage key={route.of} of={route.of} />
    case 'teams':
      return <TeamsPage />
    case 'team':
      return <TeamPage key={route.name} name={route.name} />
    case 'audit':
      return <AuditPage />
    case 'tokens':
      return <TokensPage />
    case 'function':
      return <FunctionPage key={route.name} name={route.name} />
    case 'missing':
      return (
        <Notice title="There is no such page">
          <Link to="/">All functions</Link>
        </Notice>
      )
  }
}
