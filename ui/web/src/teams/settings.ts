import type { Quota, TeamSettings } from '../wire.gen'

/** The quotas that are numbers, and memory, which is a size such as 512MiB; empty inherits, 0 is no bound. */
export const QUOTA_FIELDS = ['functions', 'versions', 'requests', 'concurrency', 'secrets', 'memory'] as const
const TEXT_FIELDS = ['description', 'owners', 'contact', 'escalationPolicy'] as const
const KEEP_FIELDS = ['keep', 'days'] as const
const FIELDS = [...TEXT_FIELDS, ...KEEP_FIELDS, ...QUOTA_FIELDS]

export type Field = (typeof FIELDS)[number]

/** Settings as they are typed. */
export type Form = Record<Field, string>

/** What people call the fields. */
export const LABELS: Record<Field, string> = {
  description: 'About',
  owners: 'Owners',
  contact: 'Contact',
  escalationPolicy: 'Escalation policy',
  keep: 'Versions kept of each function',
  days: 'Days for which all versions are kept',
  functions: 'Functions',
  versions: 'Versions of all functions together',
  requests: 'Requests a second, on each node',
  concurrency: 'Calls at once, on each node',
  secrets: 'Secrets',
  memory: 'Memory of its worker, such as 512MiB',
}

export function formOf(s: TeamSettings): Form {
  const text = (value: number | string | undefined) => String(value ?? '')
  return {
    description: text(s.description),
    owners: s.owners?.join(', ') ?? '',
    contact: text(s.contact),
    escalationPolicy: text(s.escalationPolicy),
    keep: text(s.retention?.keep),
    days: text(s.retention?.days),
    ...(Object.fromEntries(QUOTA_FIELDS.map((f) => [f, text(s.quota?.[f])])) as Record<keyof Quota, string>),
  }
}

/** Settings with what was typed, or what is wrong with it; what is not on the form stays. */
export function settingsOf(own: TeamSettings, typed: Form): { settings: TeamSettings; wrong: string } {
  let wrong = ''
  const number = (field: Field) => {
    const text = typed[field].trim()
    if (text === '') return undefined
    if (/^\d{1,9}$/.test(text)) return Number(text)
    wrong ||= `${LABELS[field]}: give a whole number, 0 for no bound, or nothing.`
    return undefined
  }
  const text = (field: Field) => typed[field].trim() || undefined
  const quota: Quota = {}
  for (const field of QUOTA_FIELDS) {
    if (field === 'memory') quota.memory = text(field)
    else quota[field] = number(field)
  }
  const retention = { keep: number('keep'), days: number('days') }
  const owners = typed.owners
    .split(',')
    .map((o) => o.trim())
    .filter(Boolean)
  const settings = {
    ...own,
    description: text('description'),
    owners: owners.length > 0 ? owners : undefined,
    contact: text('contact'),
    escalationPolicy: text('escalationPolicy'),
    retention: some(retention),
    quota: some(quota),
  }
  return { settings, wrong }
}

function some<T extends object>(value: T): T | undefined {
  return Object.values(value).some((v) => v !== undefined) ? value : undefined
}

/** The fields in which two forms differ. */
export function changed(before: Form, after: Form): Field[] {
  return FIELDS.filter((f) => before[f].trim() !== after[f].trim())
}

/** What changes from one form to another, in words: one entry for each field that does. */
export function changes(before: Form, after: Form): string[] {
  return changed(before, after).map((f) => `${LABELS[f]}: ${valueText(f, before[f])} → ${valueText(f, after[f])}`)
}

function valueText(field: Field, typed: string): string {
  const value = typed.trim()
  if ((TEXT_FIELDS as readonly Field[]).includes(field)) return value === '' ? 'nothing' : `“${value}”`
  if (value === '') return 'inherited'
  if (value === '0') return field === 'keep' ? 'all' : field === 'days' ? 'none' : 'no bound'
  return value
}

/** What comes of a change of these fields, as far as somebody would want to know before. */
export function consequences(fields: readonly Field[]): string[] {
  const words: string[] = []
  if (fields.some((f) => (QUOTA_FIELDS as readonly Field[]).includes(f)))
    words.push('What is there already stays; what would go past a quota is refused and says so.')
  if (fields.some((f) => (KEEP_FIELDS as readonly Field[]).includes(f)))
    words.push('Old versions that are no longer kept are removed for good soon after, but for those in use.')
  if (fields.includes('escalationPolicy')) words.push('New incidents of functions that name no policy of their own page there.')
  return words
}

/** What somebody typed, on top of what another wrote meanwhile: a field that was left alone has the other's value. */
export function onTop(read: Form, theirs: Form, typed: Form): Form {
  const mine = new Set(changed(read, typed))
  return Object.fromEntries(FIELDS.map((f) => [f, mine.has(f) ? typed[f] : theirs[f]])) as Form
}

/** The fields that both have changed, each to something else. */
export function contested(read: Form, theirs: Form, typed: Form): Field[] {
  const mine = new Set(changed(read, typed))
  const apart = new Set(changed(theirs, typed))
  return changed(read, theirs).filter((f) => mine.has(f) && apart.has(f))
}
