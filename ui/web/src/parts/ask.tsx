import { Button } from '@mantine/core'
import { type FormEvent, type ReactNode, useEffect, useRef, useState } from 'react'
import { type ApiError, asApiError } from '../api/http'
import styles from './ask.module.css'
import { Dialog } from './dialog'
import { refusal } from './refusal'

interface AskFormProps {
  /** What the button that does it says. */
  confirm: string
  /** A short name of what is done, which tests and scripts find the button by. */
  name: string
  /** Whether it takes something away or reaches people: the button is red. */
  danger?: boolean
  /** Whether it cannot be done yet, because something is missing. */
  disabled?: boolean
  /** What is wrong with what is typed; it cannot be done before that is mended. */
  wrong?: string
  cancel?: string
  /** Does it; what it throws is shown, and the dialog stays with what was typed. */
  action: () => Promise<void>
  /** Says more of a refusal than the server's words, or null for those. */
  told?: (error: ApiError) => ReactNode
  onDone: () => void
  onCancel: () => void
  /** What will happen, and the fields. One of these may have data-autofocus; else the button has it. */
  children: ReactNode
}

/** The form of a question: what will happen, the fields, what went wrong, and two buttons. */
export function AskForm(props: AskFormProps) {
  const { confirm, name, danger = false, disabled = false, wrong = '', cancel = 'Cancel' } = props
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  const form = useRef<HTMLFormElement>(null)
  useEffect(() => {
    // A dialog that had to read something first has its focus on the button that closes it.
    form.current?.querySelector<HTMLElement>('[data-autofocus]')?.focus()
  }, [])
  const trouble = useRef<HTMLDivElement>(null)
  useEffect(() => {
    if (error) trouble.current?.scrollIntoView({ block: 'nearest' }) // a long form may hide it
  }, [error])
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError(null)
    try {
      await props.action()
      props.onDone()
    } catch (failure) {
      setError(asApiError(failure))
    } finally {
      setBusy(false)
    }
  }
  return (
    <form ref={form} onSubmit={submit} className={styles.form}>
      {props.children}
      {(wrong || error) && (
        <div ref={trouble} role="alert" className={styles.error}>
          {wrong || (error && (props.told?.(error) ?? refusal(error)))}
        </div>
      )}
      <div className={styles.buttons}>
        <Button variant="default" onClick={props.onCancel}>
          {cancel}
        </Button>
        <Button
          type="submit"
          color={danger ? 'red' : undefined}
          loading={busy}
          disabled={disabled || wrong !== ''}
          data-confirm={name}
          data-autofocus
        >
          {confirm}
        </Button>
      </div>
    </form>
  )
}

interface AskProps extends Omit<AskFormProps, 'onDone' | 'onCancel'> {
  title: string
  onClose: () => void
}

/** A question before something is done; it closes when that is done. */
export function Ask({ title, onClose, ...form }: AskProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <AskForm {...form} onDone={onClose} onCancel={onClose} />
    </Dialog>
  )
}
