import type { Grant, Session } from '../wire.gen'

/** Whether somebody may manage tokens anywhere. */
export function administers(session: Pick<Session, 'grants'>): boolean {
  return session.grants.some((g) => g.role === 'admin')
}

/** Whether somebody may change a team or a project, or everything where it is empty. */
export function administersScope(session: Pick<Session, 'grants'>, scope: string): boolean {
  return session.grants.some((g) => g.role === 'admin' && covers(g.scope, scope))
}

function covers(granted: string, scope: string): boolean {
  return granted === '' || granted === scope || scope.startsWith(`${granted}/`)
}

/** A scope in words. */
export function scopeText(scope: string): string {
  return scope || 'everything'
}

/** What is granted, in words. */
export function grantsText(grants: readonly Grant[]): string {
  return grants.map((g) => `${g.role} of ${scopeText(g.scope)}`).join(', ')
}

/** The scope that a new token is offered first: the first that the person administers. */
export function firstScope(session: Pick<Session, 'grants'>): string {
  return session.grants.find((g) => g.role === 'admin')?.scope ?? ''
}
