import { useEffect, useRef } from 'react'
import { useParam } from '../router'
import styles from './shell.module.css'

const apple = /Mac|iP(hone|ad)/.test(navigator.platform)

/** The search of the overview. ⌘K or / comes here from anywhere; what it holds is in the address. */
export function SearchBox({ onSubmit }: { onSubmit: () => void }) {
  const [text, setText] = useParam('q')
  const input = useRef<HTMLInputElement>(null)
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest('input, textarea, select, [role="dialog"]')
      const wanted = (event.key === 'k' && (event.metaKey || event.ctrlKey)) || (event.key === '/' && !typing)
      if (!wanted) return
      event.preventDefault()
      input.current?.focus()
      input.current?.select()
    }
    window.addEventListener('keydown', listen)
    return () => window.removeEventListener('keydown', listen)
  }, [])
  return (
    <search className={styles.search}>
      <input
        ref={input}
        type="search"
        value={text}
        placeholder="Search functions, reasons, authors"
        aria-label="Search functions"
        spellCheck={false}
        autoComplete="off"
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter') onSubmit()
          if (event.key === 'Escape') {
            setText('')
            event.currentTarget.blur()
          }
        }}
      />
      <kbd aria-hidden>{apple ? '⌘K' : 'Ctrl K'}</kbd>
    </search>
  )
}
