import type { Alert } from '../wire.gen'

/** What fires: several windows of one objective are one thing that is wrong. */
export interface Firing {
  all: number
  pages: number
}

export function firingOf(alerts: Iterable<Alert>): Firing {
  const all = new Set<string>()
  const pages = new Set<string>()
  for (const a of alerts) {
    if (a.state !== 'firing') continue
    const key = `${a.function ?? ''} ${a.slo || a.name}`
    all.add(key)
    if (a.class === 'page') pages.add(key)
  }
  return { all: all.size, pages: pages.size }
}

export function firingWords({ all, pages }: Firing): string {
  return pages > 0 ? `${pages} ${pages === 1 ? 'page' : 'pages'} open` : `${all} firing, no page`
}
