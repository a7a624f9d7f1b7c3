import type { Quota, TeamSettings } from '../wire.gen'

/** The quotas that are numbers, and memory, which is a size such as 512MiB; empty inherits, 0 is no bound. */
export const FIELDS = ['functions', 'versions', 'requests', 'concurrency', 'secrets', 'memory'] as const

export type QuotaText = Record<(typeof FIELDS)[number], string>

export function quotaText(quota: Quota | undefined): QuotaText {
  const of = (field: (typeof FIELDS)[number]) => String(quota?.[field] ?? '')
  return Object.fromEntries(FIELDS.map((f) => [f, of(f)])) as QuotaText
}

/** What is typed as a quota, or what is wrong with it. */
export function parseQuota(text: QuotaText): { quota?: Quota; wrong?: string } {
  const quota: Quota = {}
  for (const field of FIELDS) {
    const typed = text[field].trim()
    if (typed === '') continue
    if (field === 'memory') {
      quota.memory = typed
      continue
    }
    if (!/^\d{1,9}$/.test(typed)) return { wrong: `${field}: give a whole number, 0 for no bound, or nothing.` }
    quota[field] = Number(typed)
  }
  return { quota: Object.keys(quota).length > 0 ? quota : undefined }
}

/** What will change, in words: one entry for each quota that does. */
export function quotaChanges(before: Quota | undefined, after: Quota | undefined): string[] {
  const words = (value: number | string | undefined) =>
    value === undefined ? 'the default' : value === 0 ? 'no bound' : String(value)
  return FIELDS.filter((f) => before?.[f] !== after?.[f]).map((f) => `${f}: ${words(before?.[f])} → ${words(after?.[f])}`)
}

/** Settings with what was typed; what is not on the form stays. */
export function settingsWith(
  own: TeamSettings,
  typed: { description: string; owners: string; contact: string; quota?: Quota },
): TeamSettings {
  const owners = typed.owners
    .split(',')
    .map((o) => o.trim())
    .filter(Boolean)
  return {
    ...own,
    description: typed.description.trim() || undefined,
    owners: owners.length > 0 ? owners : undefined,
    contact: typed.contact.trim() || undefined,
    quota: typed.quota,
  }
}
