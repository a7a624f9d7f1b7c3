import type { Grant, Session } from '../wire.gen'

/** What somebody wants to do, as the server names it. */
export type Action = 'read' | 'read_source' | 'invoke' | 'deploy' | 'administer'

/** What each role may do. */
const MAY: Record<string, readonly Action[]> = {
  viewer: ['read', 'read_source'],
  invoker: ['invoke'],
  deployer: ['read', 'read_source', 'invoke', 'deploy'],
  admin: ['read', 'read_source', 'invoke', 'deploy', 'administer'],
}

type Grants = Pick<Session, 'grants'>

/**
 * Whether somebody may do this to all of a team, a project or a function, or to the whole installation where the scope
 * is empty. The server decides again; this is what the page offers.
 */
export function may({ grants }: Grants, action: Action, scope: string): boolean {
  return grants.some((g) => allows(g, action) && covers(g.scope, scope))
}

/** Whether there is anything that somebody may do this to. */
export function mayAnywhere({ grants }: Grants, action: Action): boolean {
  return grants.some((g) => allows(g, action))
}

/** What somebody may silence: everybody's pages take an admin of the whole installation. */
export function maySilence(who: Grants, scope: string): boolean {
  return may(who, scope === '' ? 'administer' : 'deploy', scope)
}

/** The scopes in which somebody may do this, in the order of their grants. */
export function scopesOf({ grants }: Grants, action: Action): string[] {
  return grants.filter((g) => allows(g, action)).map((g) => g.scope)
}

function allows(grant: Grant, action: Action): boolean {
  return MAY[grant.role]?.includes(action) ?? false
}

function covers(granted: string, scope: string): boolean {
  return granted === '' || granted === scope || scope.startsWith(`${granted}/`)
}

/** A scope in words. */
export function scopeText(scope: string): string {
  return scope || 'everything'
}
