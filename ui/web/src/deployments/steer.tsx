import { Button } from '@mantine/core'
import { useState } from 'react'
import { ApiError, request } from '../api/http'
import { Dialog } from '../parts/dialog'
import type { Deployment, Rollout } from '../wire.gen'
import { consequence, stateWords, VERBS, type Verb, verbsOf } from './rollout'
import styles from './rollout.module.css'

interface SteerProps {
  rollout: Rollout
  verb: Verb
  onClose: () => void
}

const BODIES: Partial<Record<Verb, unknown>> = {
  promote: {},
  finish: { full: true },
  abort: { reason: 'aborted in the web app' },
}

/** Asks before it steers a deployment, and says what will happen. */
export function Steer({ rollout: r, verb, onClose }: SteerProps) {
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  const possible = verbsOf(r).includes(verb)

  const run = async () => {
    setBusy(true)
    setError(null)
    try {
      const path = `/api/v1/deployments/${r.id}/${verb === 'finish' ? 'promote' : verb}`
      await request<Deployment>(path, { method: 'POST', body: BODIES[verb] })
      onClose()
    } catch (failure) {
      setError(failure instanceof ApiError ? failure : new ApiError(0, null, 'The answer could not be read.'))
      setBusy(false)
    }
  }

  return (
    <Dialog title={`${VERBS[verb]}: ${r.function}`} onClose={onClose}>
      <div className={styles.dialog}>
        {possible ? (
          <p>{consequence(r, verb)}</p>
        ) : (
          <p role="status">
            It is {stateWords(r.state)} by now: {r.reason}
          </p>
        )}
        {error && (
          <p role="alert" className={styles.error}>
            {error.message}
          </p>
        )}
        <div className={styles.buttons}>
          <Button variant="default" onClick={onClose}>
            {possible ? 'Leave it' : 'Close'}
          </Button>
          {possible && (
            <Button color={verb === 'abort' ? 'red' : undefined} onClick={run} loading={busy} data-confirm={verb} data-autofocus>
              {VERBS[verb]}
            </Button>
          )}
        </div>
      </div>
    </Dialog>
  )
}
