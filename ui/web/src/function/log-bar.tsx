import type { ReactNode } from 'react'
import { useParam } from '../router'
import styles from './log-tail.module.css'
import { LEVELS } from './logs'

/** What a function's log is filtered by, which the address keeps. */
export function useLogFilter() {
  const [level, setLevel] = useParam('level', 'debug')
  const [text, setText] = useParam('log')
  return { level, setLevel, text, setText }
}

export type LogFilter = ReturnType<typeof useLogFilter>

/** The line above a function's log: its filter, and what else can be done with it. */
export function LogBar({ filter, children }: { filter: LogFilter; children: ReactNode }) {
  return (
    <div className={styles.bar}>
      <h2 id="logs-title">Logs</h2>
      <select value={filter.level} onChange={(e) => filter.setLevel(e.currentTarget.value)} aria-label="Least level">
        {LEVELS.map((l) => (
          <option key={l} value={l}>
            {l === 'debug' ? 'all levels' : l === 'error' ? 'error only' : `${l} and worse`}
          </option>
        ))}
      </select>
      <input
        type="search"
        value={filter.text}
        placeholder="Filter: text, request id, @version"
        aria-label="Filter logs"
        spellCheck={false}
        onChange={(e) => filter.setText(e.currentTarget.value)}
      />
      {children}
    </div>
  )
}
