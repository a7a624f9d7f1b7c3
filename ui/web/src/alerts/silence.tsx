import { useState } from 'react'
import { request } from '../api/http'
import { formatClock } from '../format/time'
import { Ask } from '../parts/ask'
import { Hours, hoursOn } from '../parts/hours'
import type { CreateSilence, Incident, Silence } from '../wire.gen'

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
  const ends = hoursOn(hours)
  const silence = async () => {
    const body: CreateSilence = { scope, ...(slo && { slo }), ends: new Date(ends).toISOString(), reason: reason.trim() }
    await request<Silence>('/api/v1/silences', { method: 'POST', body })
    onDone()
  }
  return (
    <Ask
      title={`Silence ${i.function}`}
      confirm="Silence"
      name="silence"
      danger
      disabled={reason.trim() === ''}
      action={silence}
      onClose={onClose}
    >
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
      <Hours value={hours} onChange={setHours} />
      <label>
        Why
        <input value={reason} maxLength={500} required onChange={(e) => setReason(e.currentTarget.value)} data-autofocus />
      </label>
      <p>
        Until {formatClock(ends, Date.now())} nobody is told of incidents that begin or get worse there. They are shown here all
        the same, and what still fires then is told then.
      </p>
    </Ask>
  )
}
