import { request } from '../api/http'
import { Ask } from '../parts/ask'
import { Dialog } from '../parts/dialog'
import type { Deployment, Rollout } from '../wire.gen'
import { consequence, stateWords, VERBS, type Verb, verbsOf } from './rollout'

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
  if (!verbsOf(r).includes(verb)) {
    return (
      <Dialog title={`${VERBS[verb]}: ${r.function}`} onClose={onClose}>
        <p role="status">
          It is {stateWords(r.state)} by now: {r.reason}
        </p>
      </Dialog>
    )
  }
  const steer = async () => {
    const path = `/api/v1/deployments/${r.id}/${verb === 'finish' ? 'promote' : verb}`
    await request<Deployment>(path, { method: 'POST', body: BODIES[verb] })
  }
  return (
    <Ask
      title={`${VERBS[verb]}: ${r.function}`}
      confirm={VERBS[verb]}
      name={verb}
      danger={verb === 'abort'}
      cancel="Leave it"
      action={steer}
      onClose={onClose}
    >
      <p>{consequence(r, verb)}</p>
    </Ask>
  )
}
