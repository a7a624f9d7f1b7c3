import { useState } from 'react'
import { may, scopesOf, scopeText } from '../access/grants'
import { request } from '../api/http'
import { capital } from '../format/text'
import { Ask } from '../parts/ask'
import type { CreatedToken, Session, Token } from '../wire.gen'
import { fullness, ownerText, tokenUse } from './use'

const ROLES = [
  { role: 'viewer', may: 'reads functions, health, logs and metrics' },
  { role: 'invoker', may: 'calls functions' },
  { role: 'deployer', may: 'both, and deploys and rolls back' },
  { role: 'admin', may: 'everything in its scope, tokens too' },
]

interface CreateProps {
  session: Session
  /** Those that are there already. */
  tokens: readonly Token[]
  /** How many a team may have. */
  perTeam: number
  onClose: () => void
  onMade: (t: CreatedToken) => void
}

/** Asks for a token's name, role, scope and time. */
export function CreateToken({ session, tokens, perTeam, onClose, onMade }: CreateProps) {
  const [name, setName] = useState('')
  const [role, setRole] = useState('viewer')
  const scopes = scopesOf(session, 'administer')
  const [scope, setScope] = useState(scopes[0] ?? '')
  const [expires, setExpires] = useState('90d')
  const [replace, setReplace] = useState(false)
  const team = scope.trim().split('/')[0] ?? ''
  const there = tokens.find((t) => t.name === name.trim() && t.team === team)
  const make = async () => {
    const body = { name: name.trim(), role, scope: scope.trim(), expires: expires.trim(), ...(there && { replace }) }
    onMade(await request<CreatedToken>('/api/v1/tokens', { method: 'POST', body }))
  }
  const count = tokenUse(tokens).find((u) => u.team === team)?.count ?? 0
  const full = !there && perTeam > 0 && count >= perTeam
  return (
    <Ask
      title="New token"
      confirm={there ? 'Replace it' : 'Make it'}
      name="token"
      danger={there !== undefined}
      wrong={full ? `${capital(ownerText(team))} has all ${perTeam} tokens that it may: revoke one that is no longer used.` : ''}
      disabled={name.trim() === '' || (there !== undefined && !replace)}
      action={make}
      onClose={onClose}
    >
      <label>
        Name
        <input
          name="name"
          value={name}
          onChange={(e) => setName(e.currentTarget.value)}
          placeholder="ci"
          data-autofocus
          required
        />
      </label>
      <label>
        Role
        <select name="role" value={role} onChange={(e) => setRole(e.currentTarget.value)}>
          {ROLES.map((r) => (
            <option key={r.role} value={r.role}>
              {r.role}: {r.may}
            </option>
          ))}
        </select>
      </label>
      <label>
        Scope
        <input
          name="scope"
          value={scope}
          onChange={(e) => setScope(e.currentTarget.value)}
          placeholder="team or team/project; empty is everything"
        />
      </label>
      <label>
        Lasts, such as 30d or 12h
        <input name="expires" value={expires} onChange={(e) => setExpires(e.currentTarget.value)} placeholder="90d" />
      </label>
      {there && (
        <label>
          <input type="checkbox" name="replace" checked={replace} onChange={(e) => setReplace(e.currentTarget.checked)} />
          Replace the {there.role} of this name, which ends at once
        </label>
      )}
      <p>
        Whoever holds it {ROLES.find((r) => r.role === role)?.may} in <b>{scopeText(scope.trim())}</b>
        {expires.trim() ? `, for ${expires.trim()}` : ', for the server’s default time'}. It is shown once. You administer{' '}
        {scopes.map(scopeText).join(', ')}; a token may do no more than you.
        {!full && may(session, 'administer', team) && (
          <>
            {' '}
            {capital(ownerText(team))} has {count} of {perTeam} tokens{fullness(count, perTeam)}.
          </>
        )}
      </p>
    </Ask>
  )
}
