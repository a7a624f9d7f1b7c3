import { Button } from '@mantine/core'
import { useState } from 'react'
import { may, mayAnywhere, scopeText } from '../access/grants'
import { useSession } from '../access/use-session'
import { request } from '../api/http'
import { useFetch } from '../api/use-fetch'
import { formatAge, parseTime } from '../format/time'
import { useNow } from '../live/use-live'
import { Ask } from '../parts/ask'
import { Dialog } from '../parts/dialog'
import { Notice, Reading } from '../parts/notice'
import table from '../parts/table.module.css'
import { Ago, Clock } from '../parts/time'
import type { CreatedToken, Token, TokenList } from '../wire.gen'
import { CreateToken } from './create-token'
import { lastUse, lifeOf, lifeSummary } from './life'
import styles from './tokens.module.css'
import { fullness, ownerText, tokenUse } from './use'

/** The tokens that somebody administers: made here, shown once, ended here. */
export default function TokensPage() {
  const session = useSession()
  const list = useFetch<TokenList>(mayAnywhere(session, 'administer') ? '/api/v1/tokens' : null, 30_000)
  const now = useNow()
  const [creating, setCreating] = useState(false)
  const [made, setMade] = useState<CreatedToken | null>(null)
  const [ending, setEnding] = useState<Token | null>(null)
  if (!mayAnywhere(session, 'administer')) {
    return (
      <div className={table.page}>
        <h1>Tokens</h1>
        <Notice title="Tokens are managed by admins">Ask an admin of your team for one.</Notice>
      </div>
    )
  }
  const items = list.data?.items ?? []
  const perTeam = list.data?.perTeam ?? 0
  // Of a team of which somebody administers a part, they see a part of the tokens.
  const use = tokenUse(items).filter((u) => may(session, 'administer', u.team))
  return (
    <div className={table.page}>
      <div className={styles.head}>
        <h1>Tokens</h1>
        <Button size="compact-sm" onClick={() => setCreating(true)}>
          New token
        </Button>
      </div>
      <Reading what="the tokens" of={list} now={now} />
      {lifeSummary(items, now) && <p className={table.warn}>! {lifeSummary(items, now)}</p>}
      {use.length > 0 && (
        <p className={table.quiet} data-use>
          A team may have {perTeam} tokens:{' '}
          {use.slice(0, MOST_NAMED).map((u, i) => (
            <span key={u.team} className={fullness(u.count, perTeam) === '' ? undefined : table.warn}>
              {i > 0 && ', '}
              {ownerText(u.team)} has {u.count}
              {fullness(u.count, perTeam)}
            </span>
          ))}
          {use.length > MOST_NAMED &&
            `; ${use.length - MOST_NAMED === 1 ? 'one more has' : `${use.length - MOST_NAMED} more have`} no more than the last`}
          .
        </p>
      )}
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
                <td className={table.tight}>
                  <Expiry token={t} now={now} />
                </td>
                <td className={table.tight}>
                  {lifeOf(t, now) === 'unused' && <b className={table.warn}>! </b>}
                  <span className={table.quiet}>
                    {t.usedAt ? (
                      <>
                        <span className={table.label}>used </span>
                        <Ago at={t.usedAt} now={now} />
                      </>
                    ) : (
                      'never used'
                    )}
                  </span>
                </td>
                <td className={`${table.tight} ${table.quiet}`}>
                  <span className={table.label}>made </span>
                  <Ago at={t.createdAt} now={now} />
                  {t.createdBy && `, ${t.createdBy}`}
                </td>
                <td className={styles.end}>
                  <Button size="compact-xs" variant="default" onClick={() => setEnding(t)}>
                    Revoke…
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
          tokens={items}
          perTeam={perTeam}
          onClose={() => setCreating(false)}
          onMade={(token) => {
            setMade(token)
            list.reload()
          }}
        />
      )}
      {made && <Made token={made} onClose={() => setMade(null)} />}
      {ending && <Revoke token={ending} now={now} onClose={() => setEnding(null)} onDone={list.reload} />}
    </div>
  )
}

/** Teams whose number of tokens is told: those with the most. */
const MOST_NAMED = 5

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

/** When it ends; what has ended or soon will has a sign and a word. */
function Expiry({ token: t, now }: { token: Token; now: number }) {
  const life = lifeOf(t, now)
  if (!t.expiresAt) return <span>never</span>
  if (life === 'expired') {
    return (
      <span className={table.bad}>
        ✕ expired <Clock at={t.expiresAt} now={now} />
      </span>
    )
  }
  const left = formatAge((parseTime(t.expiresAt) ?? now) - now)
  return (
    <span className={life === 'soon' ? table.warn : undefined}>
      {life === 'soon' ? '! ' : ''}
      <span className={table.label}>until </span>
      <Clock at={t.expiresAt} now={now} /> <span className={life === 'soon' ? undefined : table.quiet}>in {left}</span>
    </span>
  )
}

interface RevokeProps {
  token: Token
  now: number
  onClose: () => void
  onDone: () => void
}

function Revoke({ token: t, now, onClose, onDone }: RevokeProps) {
  const revoke = async () => {
    await request(`/api/v1/tokens/${t.name}${t.team && `?team=${t.team}`}`, { method: 'DELETE' })
    onDone()
  }
  return (
    <Ask title={`Revoke ${t.name}?`} confirm="Revoke" name="revoke" danger cancel="Keep it" action={revoke} onClose={onClose}>
      <p>
        Whatever uses it as {t.role} of {scopeText(t.scope)} is refused from now on, and its open pages are closed.{' '}
        {lastUse(t, now)} A new token can take its name.
      </p>
    </Ask>
  )
}
