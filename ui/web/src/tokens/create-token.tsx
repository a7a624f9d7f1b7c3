import { useState } from 'react'
import { request } from '../api/http'
import { Ask } from '../parts/ask'
import type { CreatedToken, Session } from '../wire.gen'
import { firstScope } from './grants'

const ROLES = [
  { role: 'viewer', may: 'reads functions, health, logs and metrics' },
  { role: 'invoker', may: 'calls functions' },
  { role: 'deployer', may: 'both, and deploys and rolls back' },
  { role: 'admin', may: 'everything in its scope, tokens too' },
]

/** Asks for a token's name, role, scope and time. */
export function CreateToken({
  session,
  onClose,
  onMade,
}: {
  session: Session
  onClose: () => void
  onMade: (t: CreatedToken) => void
}) {
  const [name, setName] = useState('')
  const [role, setRole] = useState('viewer')
  const [scope, setScope] = useState(firstScope(session))
  const [expires, setExpires] = useState('90d')
  const make = async () => {
    const body = { name: name.trim(), role, scope: scope.trim(), expires: expires.trim() }
    onMade(await request<CreatedToken>('/api/v1/tokens', { method: 'POST', body }))
  }
  return (
    <Ask title="New token" confirm="Make it" name="token" disabled={name.trim() === ''} action={make} onClose={onClose}>
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
        Lasts
        <input name="expires" value={expires} onChange={(e) => setExpires(e.currentTarget.value)} placeholder="90d" />
      </label>
    </Ask>
  )
}
