import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import type { ApiError } from '../api/http'
import styles from './notice.module.css'

/** What stands where there is nothing to show, and why. */
export function Notice({ title, children, tone = 'plain' }: { title: string; children?: ReactNode; tone?: 'plain' | 'bad' }) {
  return (
    <div className={styles.notice} data-tone={tone} role={tone === 'bad' ? 'alert' : undefined}>
      <p className={styles.title}>{title}</p>
      {children && <div className={styles.body}>{children}</div>}
    </div>
  )
}

/** A part of the page that could not be read, with the server's words and a way to try again. */
export function Failure({ what, error, retry }: { what: string; error: ApiError; retry?: () => void }) {
  return (
    <Notice title={`${what} could not be read`} tone="bad">
      <p>
        {error.message} <span className={styles.code}>{error.code}</span>
      </p>
      {retry && (
        <Button size="compact-xs" variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </Notice>
  )
}

/** Quiet grey lines while something is on its way; they appear late, so that a quick answer shows none. */
export function Loading({ lines = 3, what }: { lines?: number; what: string }) {
  return (
    <div className={styles.loading} role="status" aria-label={`Loading ${what}`}>
      {Array.from({ length: lines }, (_, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are all the same
        <span key={i} className={styles.line} />
      ))}
    </div>
  )
}
