import { useState } from 'react'
import { functionPath, request } from '../api/http'
import { Ask } from '../parts/ask'
import type { Incident } from '../wire.gen'

interface AcknowledgeProps {
  incident: Incident
  onClose: () => void
  onDone: () => void
}

/** Says that somebody has the incident, and what they know. */
export function AcknowledgeDialog({ incident: i, onClose, onDone }: AcknowledgeProps) {
  const [note, setNote] = useState('')
  const again = Boolean(i.acknowledgedAt)
  const acknowledge = async () => {
    await request<Incident>(functionPath(i.function, `incidents/${encodeURIComponent(i.slo)}/acknowledge`), {
      method: 'POST',
      body: note.trim() ? { note: note.trim() } : {},
    })
    onDone()
  }
  return (
    <Ask
      title={`${again ? 'Add a note to' : 'Acknowledge'} ${i.slo} of ${i.function}`}
      confirm={again ? 'Add the note' : 'I have it'}
      name="acknowledge"
      disabled={again && note.trim() === ''}
      action={acknowledge}
      onClose={onClose}
    >
      <p>
        {again
          ? 'The note is kept with the incident, here and at the pager.'
          : 'Everybody sees that you have it, here and at the pager. It is not told again while it gets better; when it gets worse it is.'}
      </p>
      <label>
        Note, if there is something to say
        <textarea rows={3} value={note} maxLength={1000} onChange={(e) => setNote(e.currentTarget.value)} data-autofocus />
      </label>
    </Ask>
  )
}
