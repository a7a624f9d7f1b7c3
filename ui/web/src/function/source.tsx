import { useEffect, useState } from 'react'
import { functionPath } from '../api/http'
import { Loading, Notice } from '../parts/notice'
import styles from './history.module.css'

const MOST = 400_000 // letters that are shown

/** The source of one version, as it was uploaded. */
export function Source({ name, version }: { name: string; version: number }) {
  const [text, setText] = useState<string | null>(null)
  const [error, setError] = useState('')
  useEffect(() => {
    const abort = new AbortController()
    setText(null)
    setError('')
    fetch(functionPath(name, `versions/${version}/source`), { signal: abort.signal })
      .then(async (response) => {
        if (!response.ok) throw new Error(`The server answered ${response.status}.`)
        setText(await response.text())
      })
      .catch((failure: Error) => {
        if (!abort.signal.aborted) setError(failure.message)
      })
    return () => abort.abort()
  }, [name, version])
  if (error) {
    return (
      <Notice title={`The source of @${version} could not be read`} tone="bad">
        {error}
      </Notice>
    )
  }
  if (text === null) return <Loading what="the source" lines={6} />
  const lines = text.slice(0, MOST).split('\n')
  return (
    <section aria-label={`Source of @${version}`}>
      <h3 className={styles.title}>@{version} as it was uploaded</h3>
      <pre className={styles.source}>
        {lines.map((line, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line's number is its name
          <span key={i}>
            {line}
            {'\n'}
          </span>
        ))}
      </pre>
      {text.length > MOST && <p className={styles.quiet}>There is more than is shown; the API has all of it.</p>}
    </section>
  )
}
