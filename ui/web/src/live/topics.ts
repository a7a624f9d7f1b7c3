import type { Alert, Deployment, FunctionPoint, Group, Health, LogRecord, Summary } from '../wire.gen'
import type { Shape } from './topic'

/** A topic's name with the shape of its items. */
export interface TopicSpec<T> {
  name: string
  shape: Shape<T>
}

/** What a list is asked for with: docs/live-protocol.md#topics. Empty ones are left out. */
export interface Parameters {
  scope?: string
  state?: string
  q?: string
  sort?: string
  from?: number
  limit?: number
}

const SOON = 3000 // pages and searches come and go

function named(list: string, parameters: Parameters): string {
  const query = new URLSearchParams()
  for (const name of ['scope', 'state', 'q', 'sort', 'from', 'limit'] as const) {
    const value = parameters[name]
    if (value) query.set(name, String(value)) // in one order, so that those who look at the same share a topic
  }
  return `${list}?${query}`
}

/** A part of the functions that fit, in an order of theirs. */
export function pageTopic(parameters: Parameters): TopicSpec<Health> {
  return { name: named('overview', parameters), shape: { key: (h) => h.function, linger: SOON } }
}

export function summaryTopic({ scope = '', q = '' }: Parameters): TopicSpec<Summary> {
  return { name: named('summary', { scope, q }), shape: { key: () => 'summary', linger: SOON } }
}

export function groupsTopic({ scope = '', state = '', q = '' }: Parameters): TopicSpec<Group> {
  return { name: named('groups', { scope, state, q }), shape: { key: (g) => g.group, linger: SOON } }
}

/** Tells alerts apart: a function has one of a name for each objective and pair of windows. */
export function alertKey(a: Alert): string {
  return [a.function ?? '', a.name, a.slo ?? '', a.window ?? ''].join('/')
}

export const alerts: TopicSpec<Alert> = { name: 'alerts', shape: { key: alertKey } }

/** The alerts of one function, project or team. */
export function alertsOf(scope: string): TopicSpec<Alert> {
  return { name: named('alerts', { scope }), shape: alerts.shape }
}

export const deployments: TopicSpec<Deployment> = {
  name: 'deployments',
  shape: { key: (d) => String(d.id), limit: 2000 },
}

export function deploymentsOf(scope: string): TopicSpec<Deployment> {
  return { name: named('deployments', { scope }), shape: deployments.shape }
}

export function functionTopic(name: string): TopicSpec<FunctionPoint> {
  return { name: `function:${name}`, shape: { key: (p) => p.health.function } }
}

/** Log lines have no key of their own: a line is named by the message that brought it. */
export function logsTopic(name: string): TopicSpec<LogRecord> {
  return { name: `logs:${name}`, shape: { key: (_, seq, index) => `${seq}.${index}`, limit: 2000 } }
}
