import styles from './state.module.css'

export type StateName = 'failing' | 'degraded' | 'healthy' | 'idle' | 'unknown'

/** Worst first. */
export const STATES: readonly StateName[] = ['failing', 'degraded', 'unknown', 'healthy', 'idle']

const SIGNS: Record<StateName, string> = { failing: '✕', degraded: '!', unknown: '?', healthy: '✓', idle: '–' }

/** A state this version does not know is unknown, and shown as such. */
export function stateName(text: string): StateName {
  return (STATES as readonly string[]).includes(text) ? (text as StateName) : 'unknown'
}

/** A state is a sign, a word and a colour. */
export function State({ state, word = true }: { state: StateName; word?: boolean }) {
  return (
    <span className={styles.state} data-state={state}>
      <span className={styles.sign} aria-hidden>
        {SIGNS[state]}
      </span>
      <span className={word ? undefined : 'visually-hidden'}>{state}</span>
    </span>
  )
}
