/** A kind of change in words: rolled_back is "rolled back". */
export function kindText(kind: string): string {
  return kind.replaceAll('_', ' ')
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
