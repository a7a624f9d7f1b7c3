import { Button } from '@mantine/core'
import { useState } from 'react'
import { request } from '../api/http'
import { useFetch } from '../api/use-fetch'
import { useNow } from '../live/use-live'
import { Ask } from '../parts/ask'
import { Dialog } from '../parts/dialog'
import { Failure, Loading, Notice } from '../parts/notice'
import table from '../parts/table.module.css'
import { Ago, Clock } from '../parts/time'
import type { CreatedToken, List, Session, Token } from '../wire.gen'
import { CreateToken } from './create-token'
import { administers, scopeText } from './grants'
import styles from './tokens.module.css'

/** The tokens that somebody administers: made here, shown once, ended here. */
export default function TokensPage({ session }: { session: Session }) {
  const list = useFetch<List<Token>>(administers(session) ? '/api/v1/tokens' : null, 30_000)
  const now = useNow()
  const [creating, setCreating] = useState(false)
  const [made, setMade] = useState<CreatedToken | null>(null)
  const [ending, setEnding] = useState<Token | null>(null)
  if (!administers(session)) {
    return (
      <div className={table.page}>
        <h1>Tokens</h1>
        <Notice title="Tokens are managed by admins">Ask an admin of your team for one.</Notice>
      </div>
    )
  }
  const items = list.data?.items ?? []
  return (
    <div className={table.page}>
      <div className={styles.head}>
        <h1>Tokens</h1>
        <Button size="compact-sm" onClick={() => setCreating(true)}>
          New token
        </Button>
      </div>
      {list.error && <Failure what="The tokens" error={list.error} retry={list.reload} />}
      {!list.data && !list.error && <Loading what="tokens" />}
      {list.data && items.length === 0 && (
        <Notice title="There are no tokens yet">
          Scripts, CI and Grafana sign in with one. Each has a role, a scope and an end.
        </Notice>
      )}
      {items.length > 0 && (
        <table className={table.table}>
          <thead>
            <tr>
              <th>token</th>
              <th>role</th>
              <th>scope</th>
              <th>expires</th>
              <th>last used</th>
              <th>created</th>
              <th aria-label="end it" />
            </tr>
          </thead>
          <tbody>
            {items.map((t) => (
              <tr key={`${t.team}/${t.name}`} data-token={t.name}>
                <td className={`${table.tight} ${table.leaf}`}>{t.team ? `${t.team}/${t.name}` : t.name}</td>
                <td className={table.tight}>{t.role}</td>
                <td className={table.tight}>{scopeText(t.scope)}</td>
                <td className={`${table.tight} ${t.expired ? table.bad : ''}`}>
                  {t.expired ? 'expired ' : t.expiresAt && <span className={styles.small}>until </span>}
                  {t.expiresAt ? <Clock at={t.expiresAt} now={now} /> : 'never'}
                </td>
                <td className={`${table.tight} ${table.quiet}`}>{t.usedAt ? <Ago at={t.usedAt} now={now} /> : 'never used'}</td>
                <td className={`${table.tight} ${table.quiet}`}>
                  <Ago at={t.createdAt} now={now} suffix="" /> ago{t.createdBy && `, ${t.createdBy}`}
                </td>
                <td className={styles.end}>
                  <Button size="compact-xs" variant="default" onClick={() => setEnding(t)}>
                    Revoke
                  </Button>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {creating && (
        <CreateToken
          session={session}
          onClose={() => setCreating(false)}
          onMade={(token) => {
            setMade(token)
            list.reload()
          }}
        />
      )}
      {made && <Made token={made} onClose={() => setMade(null)} />}
      {ending && <Revoke token={ending} onClose={() => setEnding(null)} onDone={list.reload} />}
    </div>
  )
}

/** Shows a new token, the only time. */
function Made({ token, onClose }: { token: CreatedToken; onClose: () => void }) {
  const [copied, setCopied] = useState(false)
  return (
    <Dialog title={`${token.token.name} is made`} onClose={onClose}>
      <p>Keep it now: it is not shown again.</p>
      <code className={styles.secret} data-secret>
        {token.secret}
      </code>
      <div className={styles.actions}>
        <Button variant="default" onClick={() => navigator.clipboard?.writeText(token.secret).then(() => setCopied(true))}>
          {copied ? 'Copied' : 'Copy'}
        </Button>
        <Button onClick={onClose}>Done</Button>
      </div>
    </Dialog>
  )
}

function Revoke({ token, onClose, onDone }: { token: Token; onClose: () => void; onDone: () => void }) {
  const revoke = async () => {
    await request(`/api/v1/tokens/${token.name}${token.team && `?team=${token.team}`}`, { method: 'DELETE' })
    onDone()
  }
  return (
    <Ask title={`Revoke ${token.name}?`} confirm="Revoke" name="revoke" danger cancel="Keep it" action={revoke} onClose={onClose}>
      <p>Whatever uses it is refused from now on, and its open pages are closed. A new token can take its name.</p>
    </Ask>
  )
}
