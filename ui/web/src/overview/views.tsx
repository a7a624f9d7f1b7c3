import { type FormEvent, useEffect, useRef, useState } from 'react'
import { Link } from '../parts/link'
import { useSearch } from '../router'
import styles from './overview.module.css'
import { dropView, keepView, readViews, USUAL, type View } from './saved'

/** Views to go to, the usual ones and those that this browser keeps. */
export function Views() {
  const search = useSearch()
  const [kept, setKept] = useState<View[]>(() => readViews(window.localStorage))
  const [name, setName] = useState('')
  const box = useRef<HTMLDetailsElement>(null)
  const close = () => {
    if (box.current) box.current.open = false
  }
  useEffect(() => {
    const listen = (event: Event) => {
      const inside = event.target instanceof Node && box.current?.contains(event.target)
      if (event instanceof KeyboardEvent ? event.key === 'Escape' : !inside) close()
    }
    window.addEventListener('pointerdown', listen)
    window.addEventListener('keydown', listen)
    return () => {
      window.removeEventListener('pointerdown', listen)
      window.removeEventListener('keydown', listen)
    }
  })
  const save = (event: FormEvent) => {
    event.preventDefault()
    if (name.trim() === '') return
    setKept(keepView(window.localStorage, { name: name.trim(), search }))
    setName('')
  }
  return (
    <details ref={box} className={styles.views}>
      <summary>Views</summary>
      <div className={styles.menu}>
        <ul>
          {USUAL.map((view) => (
            <li key={view.name}>
              <Link to={`/${view.search}`} onClick={close} aria-current={view.search === search ? 'page' : undefined}>
                {view.name}
              </Link>
            </li>
          ))}
        </ul>
        {kept.length > 0 && (
          <ul aria-label="Views of yours">
            {kept.map((view) => (
              <li key={view.name}>
                <Link to={`/${view.search}`} onClick={close} aria-current={view.search === search ? 'page' : undefined}>
                  {view.name}
                </Link>
                <button
                  type="button"
                  aria-label={`Forget the view ${view.name}`}
                  onClick={() => setKept(dropView(window.localStorage, view.name))}
                >
                  ×
                </button>
              </li>
            ))}
          </ul>
        )}
        <form onSubmit={save}>
          <input
            value={name}
            maxLength={60}
            placeholder="Save what is shown as…"
            aria-label="Name of the view"
            onChange={(event) => setName(event.currentTarget.value)}
          />
          <button type="submit" disabled={name.trim() === ''}>
            Save
          </button>
        </form>
        <p>A view is the address of this page: it can be sent to others. Names are kept in this browser.</p>
      </div>
    </details>
  )
}
