import type { Deployment } from '../wire.gen'

/** Rows that are shown at most; who wants older ones looks in the audit log, which searches. */
export const MOST = 1000

/** The changes that hold all words of a text. */
export function fits(all: readonly Deployment[], text: string): Deployment[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  if (words.length === 0) return [...all]
  return all.filter((d) => {
    const line = `${d.function} ${d.author} ${d.message ?? ''} ${d.kind}`.toLowerCase()
    return words.every((w) => line.includes(w))
  })
}

interface Ending {
  /** Changes that were read, and how many of them fit what is searched. */
  read: number
  fitting: number
  searched: boolean
  /** Whether the server has older ones. */
  more: boolean
}

/** Where the list ends: how much of what there is was looked at. */
export function endWords({ read, fitting, searched, more }: Ending): string {
  const changes = read === 1 ? 'change' : `${read} changes`
  const cut = fitting > MOST ? ` The newest ${MOST} of them are shown.` : ''
  if (searched) return `${fitting} of ${more ? 'the last' : read === 1 ? 'one' : 'all'} ${changes} fit.${cut}`
  if (more) return `The last ${changes}.${cut}`
  return `${read === 1 ? 'The only' : 'All'} ${changes} that ${read === 1 ? 'is' : 'are'} kept.${cut}`
}
