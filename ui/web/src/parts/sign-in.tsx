import { Button, PasswordInput } from '@mantine/core'
import { type FormEvent, useState } from 'react'
import { ApiError, request } from '../api/http'
import { useParam } from '../router'
import styles from './sign-in.module.css'

const FAILED: Record<string, string> = {
  no_grants: 'Your account is known, but nothing here is open to it. Ask an operator for access.',
  signin_refused: 'The sign-in did not hold: it took too long, or was begun in another tab. Try again.',
  provider_unavailable: 'The identity provider cannot be reached now. Try again, or sign in with a token.',
  no_provider: 'This server has no identity provider. Sign in with a token.',
}

/** Signs in with the identity provider, where there is one, or with a token. */
export function SignIn({ provider, onDone }: { provider: boolean; onDone: () => void }) {
  const [token, setText] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState('')
  const [failed, setFailed] = useParam('signin')
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    const value = token.trim()
    if (!value.startsWith('hdn_')) {
      setError('A token of Hadron starts with hdn_.')
      return
    }
    setBusy(true)
    try {
      await request('/api/v1/session', { method: 'POST', body: { token: value } })
      setText('')
      setFailed('')
      onDone()
    } catch (failure) {
      const unknown = failure instanceof ApiError && failure.status === 401 && !failure.message.includes('expired')
      setError(unknown ? 'The server does not know this token.' : (failure as Error).message)
    } finally {
      setBusy(false)
    }
  }
  const params = new URLSearchParams(window.location.search)
  params.delete('signin')
  const next = window.location.pathname + (params.size > 0 ? `?${params}` : '')
  return (
    <main className={styles.page}>
      <form className={styles.form} onSubmit={submit}>
        <h1>Hadron</h1>
        {failed && <p role="alert">{FAILED[failed] ?? 'The sign-in failed; the log of the server says why.'}</p>}
        {provider ? (
          <>
            <Button component="a" href={`/api/v1/signin?next=${encodeURIComponent(next)}`} data-provider>
              Sign in
            </Button>
            <p className={styles.note}>With your organisation's account. Or with a token:</p>
          </>
        ) : (
          <p>This server wants a token. The first one is in the file admin-token of its data directory.</p>
        )}
        <PasswordInput
          label="Token"
          placeholder="hdn_…"
          value={token}
          error={error}
          autoComplete="off"
          data-autofocus={!provider || undefined}
          autoFocus={!provider}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button type="submit" variant={provider ? 'default' : 'filled'} loading={busy} disabled={token.trim() === ''}>
          {provider ? 'Sign in with the token' : 'Sign in'}
        </Button>
        <p className={styles.note}>The token is not kept here: the browser gets a session that ends with it.</p>
      </form>
    </main>
  )
}
