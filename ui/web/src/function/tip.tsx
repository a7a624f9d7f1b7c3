import { type ReactNode, useId } from 'react'
import styles from './tip.module.css'

/** A title that explains itself when it is pointed at, focused or tapped. */
export function Tip({ text, children }: { text: string; children: ReactNode }) {
  const id = useId()
  if (!text) return <>{children}</>
  return (
    <span className={styles.tip}>
      <button type="button" aria-describedby={id}>
        {children}
      </button>
      <span id={id} role="tooltip">
        {text}
      </span>
    </span>
  )
}
