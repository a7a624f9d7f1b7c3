import { useState } from 'react'
import { maySilence, scopesOf, scopeText } from '../access/grants'
import { useSession } from '../access/use-session'
import { request } from '../api/http'
import { formatClock, localInput, parseTime } from '../format/time'
import { Ask } from '../parts/ask'
import type { Silence } from '../wire.gen'
import styles from './incidents.module.css'
import { bodyOf, type Plan, untold, wrongWith } from './plan'

const HOUR = 3_600_000

interface PlanProps {
  kind: Plan['kind']
  onClose: () => void
  onDone: () => void
}

/** Silences a scope, now or for a maintenance that is to come, and says what that means. */
export function PlanDialog({ kind, onClose, onDone }: PlanProps) {
  const [opened] = useState(() => Date.now())
  const planned = kind === 'maintenance'
  const session = useSession()
  const everywhere = maySilence(session, '')
  const [scope, setScope] = useState(() => (everywhere ? '' : (scopesOf(session, 'deploy')[0] ?? '')))
  const [of, setOf] = useState('')
  const [from, setFrom] = useState(() => localInput(opened))
  const [to, setTo] = useState(() => localInput(opened + HOUR))
  const [reason, setReason] = useState('')
  const [everything, setEverything] = useState(false)
  const plan: Plan = { kind, scope, class: of, from: planned ? parseTime(from) : opened, to: parseTime(to), reason }
  const make = async () => {
    await request<Silence>('/api/v1/silences', { method: 'POST', body: bodyOf(plan, Date.now()) })
    onDone()
  }
  const all = scope.trim() === ''
  const ready = reason.trim() !== '' && (!all || everything)
  const refused = maySilence(session, scope.trim())
    ? ''
    : `You may silence ${scopesOf(session, 'deploy')
        .map((s) => s || 'any team')
        .join(', ')}, not ${scopeText(scope.trim())}.`
  const wrong = refused || wrongWith(plan, opened)
  return (
    <Ask
      title={planned ? 'Plan a maintenance' : 'Silence'}
      confirm={planned ? 'Plan it' : 'Silence'}
      name={kind}
      danger
      disabled={!ready}
      wrong={ready || refused ? wrong : ''}
      action={make}
      onClose={onClose}
    >
      <label>
        Of
        <input
          name="scope"
          value={scope}
          placeholder={`team, team/project or team/project/name${everywhere ? '; empty is everything' : ''}`}
          spellCheck={false}
          onChange={(e) => setScope(e.currentTarget.value)}
          data-autofocus
        />
      </label>
      {all && everywhere && (
        <label>
          <input
            type="checkbox"
            name="everything"
            checked={everything}
            onChange={(e) => setEverything(e.currentTarget.checked)}
          />
          Yes, of everything: all functions of all teams
        </label>
      )}
      <label>
        What is kept back
        <select name="class" value={of} onChange={(e) => setOf(e.currentTarget.value)}>
          <option value="">pages and tickets</option>
          <option value="page">pages only</option>
          <option value="ticket">tickets only</option>
        </select>
      </label>
      <div className={styles.times}>
        {planned && (
          <label>
            From
            <input name="from" type="datetime-local" value={from} onChange={(e) => setFrom(e.currentTarget.value)} />
          </label>
        )}
        <label>
          Until
          <input name="to" type="datetime-local" value={to} onChange={(e) => setTo(e.currentTarget.value)} />
        </label>
      </div>
      <label>
        Why
        <input name="reason" value={reason} maxLength={500} required onChange={(e) => setReason(e.currentTarget.value)} />
      </label>
      {!wrong && plan.to !== null && (
        <p>
          {planned && plan.from !== null && plan.from > opened ? `From ${formatClock(plan.from, opened)} until` : 'Until'}{' '}
          {formatClock(plan.to, opened)} nobody is told of <b>{untold(plan)}</b> that begin or get worse. They are shown here all
          the same, and what still fires then is told then. You are named as its owner.
        </p>
      )}
    </Ask>
  )
}
