import type { Alert, Deployment, FunctionPoint, Health, LogRecord } from '../wire.gen'
import type { Shape } from './topic'

/** A topic's name with the shape of its items. */
export interface TopicSpec<T> {
  name: string
  shape: Shape<T>
}

export const overview: TopicSpec<Health> = { name: 'overview', shape: { key: (h) => h.function } }

/** Tells alerts apart: a function has one of a name for each objective and pair of windows. */
export function alertKey(a: Alert): string {
  return [a.function ?? '', a.name, a.slo ?? '', a.window ?? ''].join('/')
}

export const alerts: TopicSpec<Alert> = { name: 'alerts', shape: { key: alertKey } }

export const deployments: TopicSpec<Deployment> = {
  name: 'deployments',
  shape: { key: (d) => String(d.id), limit: 2000 },
}

export function functionTopic(name: string): TopicSpec<FunctionPoint> {
  return { name: `function:${name}`, shape: { key: (p) => p.health.function } }
}

/** Log lines have no key of their own: a line is named by the message that brought it. */
export function logsTopic(name: string): TopicSpec<LogRecord> {
  return { name: `logs:${name}`, shape: { key: (_, seq, index) => `${seq}.${index}`, limit: 2000 } }
}
