import { Button, PasswordInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { ApiError, request, setToken } from '../api/http'
import styles from './sign-in.module.css'

/** Takes a token, tries it, and keeps it for this tab. */
export function SignIn({ onDone }: { onDone: () => void }) {
  const [token, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const value = token.trim()
    if (!value.startsWith('hdn_')) {
      setError('A token of Hadron starts with hdn_.')
      return
    }
    setBusy(true)
    setToken(value)
    try {
      await request('/api/v1/functions?limit=1')
      onDone()
    } catch (failure) {
      setToken('')
      const refused = failure instanceof ApiError && failure.status === 401
      setError(refused ? 'The server does not know this token, or it has run out.' : (failure as Error).message)
    } finally {
      setBusy(false)
    }
  }
  return (
    <main className={styles.page}>
      <form className={styles.form} onSubmit={submit}>
        <h1>Hadron</h1>
        <p>This server wants a token. The first one is in the file admin-token of its data directory.</p>
        <PasswordInput
          label="Token"
          placeholder="hdn_…"
          value={token}
          error={error}
          autoComplete="off"
          data-autofocus
          autoFocus
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button type="submit" loading={busy} disabled={token.trim() === ''}>
          Sign in
        </Button>
        <p className={styles.note}>It is kept in this tab only, until the tab is closed.</p>
      </form>
    </main>
  )
}
