import { Button } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { ApiError, request } from '../api/http'
import { formatClock } from '../format/time'
import { Dialog } from '../parts/dialog'
import type { CreateSilence, Incident, Silence } from '../wire.gen'
import styles from './incidents.module.css'

const HOURS = [
  [1, '1 hour'],
  [4, '4 hours'],
  [24, 'a day'],
  [168, 'a week'],
] as const

interface SilenceProps {
  incident: Pick<Incident, 'function' | 'slo'>
  onClose: () => void
  onDone: () => void
}

/** Keeps incidents of a scope from being told for a while, and says what that means. */
export function SilenceDialog({ incident: i, onClose, onDone }: SilenceProps) {
  const [team = '', project = ''] = i.function.split('/')
  const [scope, setScope] = useState(i.function)
  const [slo, setSLO] = useState(i.slo)
  const [hours, setHours] = useState(1)
  const [reason, setReason] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const ends = Date.now() + hours * 3_600_000
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError('')
    const body: CreateSilence = { scope, ...(slo && { slo }), ends: new Date(ends).toISOString(), reason: reason.trim() }
    try {
      await request<Silence>('/api/v1/silences', { method: 'POST', body })
      onDone()
      onClose()
    } catch (failure) {
      setError(failure instanceof ApiError ? failure.message : 'The answer could not be read.')
      setBusy(false)
    }
  }
  return (
    <Dialog title={`Silence ${i.function}`} onClose={onClose}>
      <form onSubmit={submit} className={styles.form}>
        <label>
          Of
          <select value={scope} onChange={(e) => setScope(e.currentTarget.value)}>
            <option value={i.function}>this function</option>
            <option value={`${team}/${project}`}>
              all of {team}/{project}
            </option>
            <option value={team}>all of {team}</option>
          </select>
        </label>
        <label>
          Objective
          <select value={slo} onChange={(e) => setSLO(e.currentTarget.value)}>
            <option value={i.slo}>{i.slo} only</option>
            <option value="">all</option>
          </select>
        </label>
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
        <p>
          Until {formatClock(ends, Date.now())} nobody is told of incidents that begin or get worse there. They are shown here all
          the same, and what still fires then is told then.
        </p>
        {error && (
          <p role="alert" className={styles.error}>
            {error}
          </p>
        )}
        <div className={styles.buttons}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button color="red" type="submit" loading={busy} disabled={reason.trim() === ''} data-confirm="silence">
            Silence
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
