import { Button } from '@mantine/core'
import { useState } from 'react'
import { request } from '../api/http'
import { useFetch } from '../api/use-fetch'
import { Ask } from '../parts/ask'
import { AskUntil } from '../parts/ask-until'
import { Reading } from '../parts/notice'
import table from '../parts/table.module.css'
import { Clock } from '../parts/time'
import type { Freeze, PutFreeze } from '../wire.gen'
import { freezeAndSilence } from './freeze-and-silence'
import styles from './teams.module.css'

interface FreezeProps {
  team: string
  project?: string // whose page it is shown on, where that is not the team's
  may: boolean // freeze and lift
  now: number
}

/** Whether a team's deployments are frozen, and the buttons that freeze and lift. */
export function TeamFreeze({ team, project, may, now }: FreezeProps) {
  const path = `/api/v1/teams/${team}/freeze`
  const freeze = useFetch<Freeze>(path, 10_000)
  const [dialog, setDialog] = useState<'freeze' | 'lift' | null>(null)
  const f = freeze.data
  if (!f && freeze.error) return <Reading what="the freeze" of={freeze} now={now} />
  if (!f) {
    return (
      <p className={styles.room} aria-hidden>
        <Button size="compact-xs">…</Button>
      </p>
    )
  }
  return (
    <p data-frozen={f.frozen}>
      {f.frozen && f.until ? (
        <span className={table.warn}>
          ! Deployments {project && `of ${team} `}are frozen until <Clock at={f.until} now={now} />: {f.reason}
          {f.by && ` (${f.by})`}{' '}
        </span>
      ) : (
        <span className={table.quiet}>Deployments {project && `of ${team} `}are not frozen. </span>
      )}
      {may && !project && (
        <Button size="compact-xs" variant="default" onClick={() => setDialog(f.frozen ? 'lift' : 'freeze')}>
          {f.frozen ? 'Lift the freeze…' : 'Freeze deployments…'}
        </Button>
      )}
      {dialog === 'freeze' && <FreezeQuestion path={path} team={team} onClose={() => setDialog(null)} onDone={freeze.reload} />}
      {dialog === 'lift' && <LiftQuestion path={path} team={team} onClose={() => setDialog(null)} onDone={freeze.reload} />}
    </p>
  )
}

interface QuestionProps {
  path: string
  team: string
  onClose: () => void
  onDone: () => void
}

function LiftQuestion({ path, team, onClose, onDone }: QuestionProps) {
  const lift = async () => {
    await request<Freeze>(path, { method: 'DELETE' })
    onDone()
  }
  return (
    <Ask title={`Lift the freeze of ${team}`} confirm="Lift the freeze" name="lift" action={lift} onClose={onClose}>
      <p>From now on anybody who may deploy can do so again, and deployments under way go on from their step.</p>
    </Ask>
  )
}

function FreezeQuestion({ path, team, onClose, onDone }: QuestionProps) {
  const [silence, setSilence] = useState(false)
  const freeze = (until: string, reason: string) => {
    const body: PutFreeze = { reason, until }
    return silence ? freezeAndSilence(path, team, body) : request<Freeze>(path, { method: 'PUT', body })
  }
  return (
    <AskUntil
      title={`Freeze the deployments of ${team}`}
      confirm="Freeze"
      name="freeze"
      hours={8}
      action={freeze}
      says={(until) => (
        <>
          <p>
            Until {until} nothing new is deployed to this team’s functions, and deployments under way stay at their step.
            Rollbacks go on.
          </p>
          <label>
            <input type="checkbox" name="silence" checked={silence} onChange={(e) => setSilence(e.currentTarget.checked)} />
            Tell nobody of the team’s incidents until then either
          </label>
          {silence && (
            <p>
              Nobody is paged for <b>any function of {team}</b> until {until}. Incidents are shown on Alerts all the same; the
              silence stays there, to be ended on its own, when the freeze is lifted.
            </p>
          )}
        </>
      )}
      onClose={onClose}
      onDone={onDone}
    />
  )
}
