import { type ReactNode, useState } from 'react'
import { formatClock } from '../format/time'
import { Ask } from './ask'

const HOURS = [
  [1, '1 hour'],
  [4, '4 hours'],
  [8, '8 hours'],
  [24, 'a day'],
  [168, 'a week'],
] as const

type Hours = (typeof HOURS)[number][0]

interface AskUntilProps {
  title: string
  confirm: string
  /** As in Ask. */
  name: string
  /** How long it holds unless somebody says otherwise. */
  hours: Hours
  /** Does it; the end is a time as the API takes it. */
  action: (ends: string, reason: string) => Promise<unknown>
  /** What will happen, and more to choose; `until` is the end on the viewer's clock. */
  says: (until: string) => ReactNode
  onClose: () => void
  onDone: () => void
  /** Fields above those for how long and why. */
  children?: ReactNode
}

/** A question before something that holds for a while, and for a reason. */
export function AskUntil({ title, confirm, name, hours: first, action, says, onClose, onDone, children }: AskUntilProps) {
  const [hours, setHours] = useState<number>(first)
  const [reason, setReason] = useState('')
  const ends = Date.now() + hours * 3_600_000
  const act = async () => {
    await action(new Date(ends).toISOString(), reason.trim())
    onDone()
  }
  return (
    <Ask title={title} confirm={confirm} name={name} danger disabled={reason.trim() === ''} action={act} onClose={onClose}>
      {children}
      <label>
        For
        <select name="hours" value={hours} onChange={(e) => setHours(Number(e.currentTarget.value))}>
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
      {says(formatClock(ends, Date.now()))}
    </Ask>
  )
}
