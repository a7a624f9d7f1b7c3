import { Button } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import form from '../alerts/incidents.module.css'
import { ApiError, request } from '../api/http'
import { useFetch } from '../api/use-fetch'
import { formatClock } from '../format/time'
import { Dialog } from '../parts/dialog'
import { Failure } from '../parts/notice'
import table from '../parts/table.module.css'
import { Clock } from '../parts/time'
import type { Freeze, PutFreeze } from '../wire.gen'

const HOURS = [
  [1, '1 hour'],
  [8, '8 hours'],
  [24, 'a day'],
  [168, 'a week'],
] as const

interface FreezeProps {
  team: string
  may: boolean // freeze and lift
  now: number
}

/** Whether a team's deployments are frozen, and the buttons that freeze and lift. */
export function TeamFreeze({ team, may, now }: FreezeProps) {
  const path = `/api/v1/teams/${team}/freeze`
  const freeze = useFetch<Freeze>(path, 10_000)
  const [dialog, setDialog] = useState<'freeze' | 'lift' | null>(null)
  const f = freeze.data
  if (freeze.error && !f) return <Failure what="The freeze" error={freeze.error} retry={freeze.reload} />
  if (!f) return null
  return (
    <p data-frozen={f.frozen}>
      {f.frozen && f.until ? (
        <span className={table.warn}>
          ! Deployments are frozen until <Clock at={f.until} now={now} />: {f.reason}
          {f.by && ` (${f.by})`}{' '}
        </span>
      ) : (
        <span className={table.quiet}>Deployments are not frozen. </span>
      )}
      {may && (
        <Button size="compact-xs" variant="default" onClick={() => setDialog(f.frozen ? 'lift' : 'freeze')}>
          {f.frozen ? 'Lift the freeze…' : 'Freeze deployments…'}
        </Button>
      )}
      {dialog && (
        <FreezeDialog path={path} team={team} lift={dialog === 'lift'} onClose={() => setDialog(null)} onDone={freeze.reload} />
      )}
    </p>
  )
}

interface DialogProps {
  path: string
  team: string
  lift: boolean
  onClose: () => void
  onDone: () => void
}

function FreezeDialog({ path, team, lift, onClose, onDone }: DialogProps) {
  const [hours, setHours] = useState(8)
  const [reason, setReason] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const until = Date.now() + hours * 3_600_000
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError('')
    const body: PutFreeze = { reason: reason.trim(), until: new Date(until).toISOString() }
    try {
      await request<Freeze>(path, lift ? { method: 'DELETE' } : { method: 'PUT', body })
      onDone()
      onClose()
    } catch (failure) {
      setError(failure instanceof ApiError ? failure.message : 'The answer could not be read.')
      setBusy(false)
    }
  }
  return (
    <Dialog title={lift ? `Lift the freeze of ${team}` : `Freeze the deployments of ${team}`} onClose={onClose}>
      <form onSubmit={submit} className={form.form}>
        {!lift && (
          <>
            <label>
              For
              <select value={hours} onChange={(e) => setHours(Number(e.currentTarget.value))}>
                {HOURS.map(([n, words]) => (
                  <option key={n} value={n}>
                    {words}
                  </option>
                ))}
              </select>
            </label>
            <label>
              Why
              <input value={reason} maxLength={500} required onChange={(e) => setReason(e.currentTarget.value)} data-autofocus />
            </label>
          </>
        )}
        <p>
          {lift
            ? 'From now on anybody who may deploy can do so again, and deployments under way go on from their step.'
            : `Until ${formatClock(until, Date.now())} nothing new is deployed to this team’s functions, and deployments under way stay at their step. Rollbacks go on.`}
        </p>
        {error && (
          <p role="alert" className={form.error}>
            {error}
          </p>
        )}
        <div className={form.buttons}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button
            color={lift ? undefined : 'red'}
            type="submit"
            loading={busy}
            disabled={!lift && reason.trim() === ''}
            data-confirm={lift ? 'lift' : 'freeze'}
          >
            {lift ? 'Lift the freeze' : 'Freeze'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
