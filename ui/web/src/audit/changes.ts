import type { Change } from '../wire.gen'

/** What a change was done to, in words, and where that is to be seen. */
export interface Target {
  text: string
  to?: string
}

/** A subject such as "token:growth/ci" as people read it; a silence by what it silences. */
export function targetOf(c: Pick<Change, 'function' | 'subject' | 'scope' | 'after'>): Target {
  if (c.function) return { text: c.function, to: `/f/${c.function}` }
  const subject = c.subject ?? ''
  const cut = subject.indexOf(':')
  const name = subject.slice(cut + 1)
  switch (cut < 0 ? '' : subject.slice(0, cut)) {
    case 'team':
    case 'project':
      return { text: name, to: `/teams/${name}` }
    case 'secret':
      return { text: name, to: `/teams/${c.scope}` }
    case 'token':
      return { text: name, to: '/tokens' }
    case 'silence':
      return { text: silenced(c.after) ?? (c.scope || 'everything'), to: '/alerts' }
    case 'alerts':
      return { text: name, to: `/f/${name}` }
    case 'version':
      return { text: name, to: `/f/${name.replace(/@.*$/, '')}` }
    default:
      return { text: subject === 'secrets' ? 'all secrets' : subject }
  }
}

function silenced(after: unknown): string | undefined {
  if (typeof after !== 'object' || after === null || !('scope' in after)) return undefined
  return String(after.scope) || 'everything'
}

/** What was before or after, for reading. */
export function asText(value: unknown): string {
  return value === null || value === undefined ? 'nothing' : JSON.stringify(value, null, 2)
}

/** The path of the changes that fit; empty filters are left out. */
export function query(filters: Record<string, string>): string {
  const params = new URLSearchParams()
  for (const [name, value] of Object.entries(filters)) if (value) params.set(name, value)
  return `/api/v1/changes?${params}`
}
