import { lazy, Suspense, useEffect, useState } from 'react'
import { ApiError, getToken, request, setToken } from './api/http'
import { browserConnection, LiveContext, useLink } from './live/use-live'
import { Overview } from './overview/overview'
import { Failed } from './parts/failed'
import { Link } from './parts/link'
import { Loading, Notice } from './parts/notice'
import { Shell } from './parts/shell'
import { SignIn } from './parts/sign-in'
import { parseRoute, usePath } from './router'

const FunctionPage = lazy(() => import('./function/function-page'))
const AlertsPage = lazy(() => import('./alerts/alerts-page'))
const DeploymentsPage = lazy(() => import('./deployments/deployments-page'))

/** Signs in where the server asks for it, then shows the page of the address. */
export function App() {
  const [connection] = useState(browserConnection)
  const [session, setSession] = useState(0)
  const [refused, setRefused] = useState(false)

  // biome-ignore lint/correctness/useExhaustiveDependencies: a new session connects with its token
  useEffect(() => {
    if (refused) return
    connection.start(getToken())
    return () => connection.stop()
  }, [connection, refused, session])

  const signOut = () => {
    setToken('')
    setRefused(true)
  }
  if (refused) {
    return (
      <SignIn
        onDone={() => {
          setRefused(false)
          setSession((n) => n + 1)
        }}
      />
    )
  }
  return (
    <LiveContext value={connection}>
      <SignInWatch onRefused={() => setRefused(true)} />
      <Shell onSignOut={getToken() ? signOut : null}>
        <Failed>
          <Suspense fallback={<Loading what="the page" lines={6} />}>
            <Page />
          </Suspense>
        </Failed>
      </Shell>
    </LiveContext>
  )
}

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
    case 'alerts':
      return <AlertsPage />
    case 'deployments':
      return <DeploymentsPage />
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
