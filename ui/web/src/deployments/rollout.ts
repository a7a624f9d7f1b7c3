import { formatAge, parseTime } from '../format/time'
import type { Deployment, Rollout } from '../wire.gen'

/** What a state means to whoever looks at it. */
const STATES: Record<string, string> = {
  pending: 'about to begin',
  prewarming: 'warming up',
  probing: 'being probed',
  running: 'under way',
  paused: 'paused',
  promoting: 'finishing',
  rolling_back: 'rolling back',
  completed: 'completed',
  rolled_back: 'rolled back',
  aborted: 'aborted',
  failed: 'failed',
  stopped: 'stopped',
}

export function stateWords(state: string): string {
  return STATES[state] ?? state.replaceAll('_', ' ')
}

export type Tone = 'live' | 'wait' | 'good' | 'bad' | 'quiet'

/** How a state looks: sign and colour beside its words. */
export function stateTone(state: string): Tone {
  switch (state) {
    case 'completed':
      return 'good'
    case 'rolled_back':
    case 'rolling_back':
    case 'failed':
      return 'bad'
    case 'paused':
    case 'stopped':
      return 'wait'
    case 'aborted':
      return 'quiet'
    default:
      return 'live'
  }
}

export const SIGNS: Record<Tone, string> = { live: '→', wait: '‖', good: '✓', bad: '✕', quiet: '–' }

export interface Stage {
  label: string
  place: 'done' | 'now' | 'next'
}

/** The steps by their share, the whole last, and how far it is. */
export function stagesOf(r: Rollout): Stage[] {
  const finished = r.state === 'promoting' || r.state === 'completed'
  const out = r.steps.map((percent, i): Stage => {
    const at = i + 1
    const now = r.active && !finished && r.state !== 'rolling_back' && at === r.step
    return { label: `${percent}\u202f%`, place: finished || at < r.step ? 'done' : now ? 'now' : 'next' }
  })
  const whole = r.state === 'completed' ? 'done' : r.state === 'promoting' ? 'now' : 'next'
  return [...out, { label: 'all', place: whole }]
}

/** The new version's share of the alias now, from 0 to 1. */
export function shareOf(r: Rollout): number {
  const sum = r.weights.reduce((n, w) => n + w.weight, 0)
  const own = r.weights.reduce((n, w) => n + (w.version === r.to ? w.weight : 0), 0)
  return sum > 0 ? own / sum : 0
}

/** What has to happen before it goes on. */
export function waitsFor(r: Rollout, now: number): string {
  switch (r.state) {
    case 'pending':
    case 'prewarming':
      return `@${r.to} is loaded, so that no caller waits for it.`
    case 'probing':
      return `@${r.to} must answer its probe before it gets traffic.`
    case 'paused':
      if (r.reason.includes('waits for somebody')) return '' // said already
      return r.strategy === 'manual' ? 'It waits for somebody to promote it.' : 'It waits for somebody to resume or promote it.'
    case 'promoting':
      return `All traffic is at @${r.to}. Calls of @${r.from} come to their end.`
    case 'rolling_back':
      return `All traffic is back at @${r.from}. Calls of @${r.to} come to their end.`
    case 'running':
      break
    default:
      return ''
  }
  const since = parseTime(r.stepAt)
  const left = since === null ? 0 : since + r.interval * 1000 - now
  if (left > 0) return `The step lasts ${formatAge(left)} more at least.`
  return r.strategy === 'canary' ? `The step is judged: @${r.to} must be shown to be no worse than @${r.from}.` : ''
}

export type Verb = 'pause' | 'resume' | 'promote' | 'finish' | 'abort'

/** What may be asked of it now; the server has the last word. */
export function verbsOf(r: Rollout): Verb[] {
  if (!r.active) return []
  const verbs: Verb[] = []
  const manual = r.strategy === 'manual'
  const live = r.state === 'running' || r.state === 'paused'
  if (r.state === 'running' && !manual) verbs.push('pause')
  if (r.state === 'paused' && !manual) verbs.push('resume')
  if (live && r.step < r.steps.length) verbs.push('promote')
  if (live) verbs.push('finish')
  if (r.state !== 'promoting' && r.state !== 'rolling_back') verbs.push('abort')
  return verbs
}

export const VERBS: Record<Verb, string> = {
  pause: 'Pause',
  resume: 'Resume',
  promote: 'Promote to the next step',
  finish: 'Promote to all',
  abort: 'Abort',
}

/** What will happen, told before it is asked for. */
export function consequence(r: Rollout, verb: Verb): string {
  const share = Math.round(shareOf(r) * 100)
  switch (verb) {
    case 'pause':
      return `@${r.to} keeps ${share}\u202f% of the traffic of ${r.alias} until somebody goes on. If it is shown to be worse, it is rolled back all the same.`
    case 'resume':
      return `The deployment goes on by itself from step ${r.step} of ${r.steps.length}.`
    case 'promote':
      return `@${r.to} gets ${r.steps[r.step]}\u202f% of the traffic of ${r.alias} now, whatever its analysis says. It is judged on.`
    case 'finish':
      return `@${r.to} gets all traffic of ${r.alias} now, whatever its analysis says. Roll back undoes it.`
    case 'abort':
      return `All traffic of ${r.alias} goes back to @${r.from}, and the deployment ends. @${r.to} stays registered; deploy it again to try once more.`
  }
}

/** Rollouts under way, of a function where one is named: oldest first, so that they keep their places. */
export function underWay(all: Iterable<Deployment>, name = ''): Rollout[] {
  const out: Rollout[] = []
  for (const d of all) if (d.rollout?.active && (name === '' || d.function === name)) out.push(d.rollout)
  return out.sort((a, b) => a.id - b.id)
}

/** What was read by the API, with what the live topic knows better over it. */
export function merged(read: readonly Deployment[], live: ReadonlyMap<string, Deployment>): Deployment[] {
  const all = new Map(read.map((d) => [String(d.id), d]))
  for (const [key, d] of live) all.set(key, d)
  return [...all.values()]
}
