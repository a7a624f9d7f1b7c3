import { formatAge, parseTime } from '../format/time'
import type { Token } from '../wire.gen'

const DAY = 86_400_000
const SOON = 14 * DAY
const UNUSED = 30 * DAY

export type Life = 'expired' | 'soon' | 'unused' | 'fine'

/** How a token stands: what ended, what ends soon, and what nobody uses. */
export function lifeOf(t: Token, now: number): Life {
  const ends = parseTime(t.expiresAt)
  if (t.expired || (ends !== null && ends <= now)) return 'expired'
  if (ends !== null && ends - now < SOON) return 'soon'
  const known = parseTime(t.usedAt) ?? parseTime(t.createdAt)
  return known !== null && now - known > UNUSED ? 'unused' : 'fine'
}

/** How many stand how, in words; nothing where all is fine. */
export function lifeSummary(tokens: readonly Token[], now: number): string {
  const count = (life: Life) => tokens.filter((t) => lifeOf(t, now) === life).length
  const words = [
    [count('expired'), 'expired'],
    [count('soon'), 'soon to end'],
    [count('unused'), 'not used for a month'],
  ] as const
  return words
    .filter(([n]) => n > 0)
    .map(([n, word]) => `${n} ${word}`)
    .join(', ')
}

/** What comes of revoking it, as far as its last use tells. */
export function lastUse(t: Token, now: number): string {
  const used = parseTime(t.usedAt)
  if (used === null) return 'It was never used.'
  return `It was last used ${formatAge(now - used)} ago${now - used < DAY ? ': something depends on it' : ''}.`
}
