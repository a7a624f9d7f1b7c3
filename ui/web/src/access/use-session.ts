import { createContext, useContext } from 'react'
import type { Session } from '../wire.gen'

/** Who looks at the page. */
export const SessionContext = createContext<Session | null>(null)

export function useSession(): Session {
  const session = useContext(SessionContext)
  if (!session) throw new Error('SessionContext is missing')
  return session
}
