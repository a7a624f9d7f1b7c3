import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import type { ApiError } from '../api/http'
import type { Fetched } from '../api/use-fetch'
import { capital } from '../format/text'
import styles from './notice.module.css'
import { Ago } from './time'

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

interface ReadingProps {
  /** What is read, as in "Loading the teams". */
  what: string
  of: Pick<Fetched<unknown>, 'data' | 'error' | 'at' | 'reload'>
  now: number
  lines?: number
}

/** What stands beside what is read: that it is on its way, that it could not be read, or how old it is when it could not be read again. */
export function Reading({ what, of, now, lines }: ReadingProps) {
  if (of.error && !of.data) return <Failure what={capital(what)} error={of.error} retry={of.reload} />
  if (!of.data) return <Loading what={what} lines={lines} />
  if (!of.error || of.at === null) return null
  return (
    <p className={styles.behind} role="status">
      <b>! {capital(what)} could not be read again.</b> What is shown was read <Ago at={of.at} now={now} />. {of.error.message}{' '}
      <Button size="compact-xs" variant="default" onClick={of.reload}>
        Try again
      </Button>
    </p>
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
