import { Button } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { ApiError, functionPath, request } from '../api/http'
import { Dialog } from '../parts/dialog'
import type { Incident } from '../wire.gen'
import styles from './incidents.module.css'

interface DialogProps {
  incident: Incident
  onClose: () => void
  onDone: () => void
}

/** Says that somebody has the incident, and what they know. */
export function AcknowledgeDialog({ incident: i, onClose, onDone }: DialogProps) {
  const [note, setNote] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const again = Boolean(i.acknowledgedAt)
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError('')
    try {
      await request<Incident>(functionPath(i.function, `incidents/${encodeURIComponent(i.slo)}/acknowledge`), {
        method: 'POST',
        body: note.trim() ? { note: note.trim() } : {},
      })
      onDone()
      onClose()
    } catch (failure) {
      setError(failure instanceof ApiError ? failure.message : 'The answer could not be read.')
      setBusy(false)
    }
  }
  return (
    <Dialog title={`${again ? 'Add a note to' : 'Acknowledge'} ${i.slo} of ${i.function}`} onClose={onClose}>
      <form onSubmit={submit} className={styles.form}>
        <p>
          {again
            ? 'The note is kept with the incident, here and at the pager.'
            : 'Everybody sees that you have it, here and at the pager. It is not told again while it gets better; when it gets worse it is.'}
        </p>
        <label>
          Note, if there is something to say
          <textarea rows={3} value={note} maxLength={1000} onChange={(e) => setNote(e.currentTarget.value)} data-autofocus />
        </label>
        {error && (
          <p role="alert" className={styles.error}>
            {error}
          </p>
        )}
        <div className={styles.buttons}>
          <Button variant="default" onClick={onClose}>
            Cancel
          </Button>
          <Button type="submit" loading={busy} disabled={again && note.trim() === ''} data-confirm="acknowledge">
            {again ? 'Add the note' : 'I have it'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
