import { Button } from '@mantine/core'
import type { ReactNode } from 'react'
import { useConnection, useLink } from '../live/use-live'
import { Loading, Notice } from '../parts/notice'

interface BodyProps {
  error: { code: string; detail: string } | null
  empty: boolean
  syncing: boolean
  filtered: boolean
  onClear: () => void
  children: ReactNode
}

/** The list, or why there is none. */
export function Body({ error, empty, syncing, filtered, onClear, children }: BodyProps) {
  const phase = useLink().phase
  const connection = useConnection()
  if (!empty) return children
  const clear = (
    <Button size="compact-xs" variant="default" onClick={onClear}>
      Show all
    </Button>
  )
  if (error) {
    return (
      <Notice title="The overview could not be read" tone="bad">
        <p>
          {error.detail} <code>{error.code}</code>
        </p>
        {filtered && clear}
      </Notice>
    )
  }
  if (phase === 'lost') {
    return (
      <Notice title="The server cannot be reached" tone="bad">
        <p>This page shows every function as soon as it answers; nothing needs to be reloaded.</p>
        <Button size="compact-xs" variant="default" onClick={() => connection.retry()}>
          Try now
        </Button>
      </Notice>
    )
  }
  if (syncing) return <Loading what="functions" lines={12} />
  if (filtered) return <Notice title="No function fits">{clear}</Notice>
  return (
    <Notice title="No function yet">
      <p>Write one, and it is watched from its first second:</p>
      <pre>{'hadron init hello\ncd hello && hadron deploy'}</pre>
    </Notice>
  )
}
