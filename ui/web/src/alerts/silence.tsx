import { useState } from 'react'
import { maySilence } from '../access/grants'
import { useSession } from '../access/use-session'
import { request } from '../api/http'
import { AskUntil } from '../parts/ask-until'
import type { CreateSilence, Incident, Silence } from '../wire.gen'

interface SilenceProps {
  incident: Pick<Incident, 'function' | 'slo'>
  onClose: () => void
  onDone: () => void
}

/** Keeps incidents of a scope from being told for a while, and says what that means. */
export function SilenceDialog({ incident: i, onClose, onDone }: SilenceProps) {
  const session = useSession()
  const [team = '', project = ''] = i.function.split('/')
  const wider = [`${team}/${project}`, team].filter((s) => maySilence(session, s))
  const [scope, setScope] = useState(i.function)
  const [slo, setSLO] = useState(i.slo)
  return (
    <AskUntil
      title={`Silence ${i.function}`}
      confirm="Silence"
      name="silence"
      hours={1}
      action={(ends, reason) => {
        const body: CreateSilence = { scope, ...(slo && { slo }), ends, reason }
        return request<Silence>('/api/v1/silences', { method: 'POST', body })
      }}
      says={(until) => (
        <p>
          Until {until} nobody is told of incidents that begin or get worse there. They are shown here all the same, and what
          still fires then is told then.
        </p>
      )}
      onClose={onClose}
      onDone={onDone}
    >
      <label>
        Of
        <select value={scope} onChange={(e) => setScope(e.currentTarget.value)}>
          <option value={i.function}>this function</option>
          {wider.map((s) => (
            <option key={s} value={s}>
              all of {s}
            </option>
          ))}
        </select>
      </label>
      <label>
        Objective
        <select value={slo} onChange={(e) => setSLO(e.currentTarget.value)}>
          <option value={i.slo}>{i.slo} only</option>
          <option value="">all</option>
        </select>
      </label>
    </AskUntil>
  )
}
