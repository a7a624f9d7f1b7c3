import { useState } from 'react'
import { request } from '../api/http'
import { Ask } from '../parts/ask'
import type { Team } from '../wire.gen'
import { FIELDS, parseQuota, quotaChanges, quotaText, settingsWith } from './settings'

const LABELS: Record<(typeof FIELDS)[number], string> = {
  functions: 'Functions',
  versions: 'Versions of a function',
  requests: 'Requests a second, on each node',
  concurrency: 'Calls at once, on each node',
  secrets: 'Secrets',
  memory: 'Memory of its worker, such as 512MiB',
}

interface EditProps {
  team: Team
  quotas: boolean // may be set: by those who administer the installation
  onClose: () => void
  onDone: () => void
}

/** Sets who owns a team, where they are reached and, for an admin of all, what it may use. */
export function EditTeam({ team: t, quotas, onClose, onDone }: EditProps) {
  const own = t.settings
  const [description, setDescription] = useState(own.description ?? '')
  const [owners, setOwners] = useState(own.owners?.join(', ') ?? '')
  const [contact, setContact] = useState(own.contact ?? '')
  const [typed, setTyped] = useState(() => quotaText(own.quota))
  const { quota, wrong = '' } = parseQuota(typed)
  const changes = wrong ? [] : quotaChanges(own.quota, quota)
  const save = async () => {
    await request<Team>(`/api/v1/teams/${t.team}`, {
      method: 'PUT',
      body: settingsWith(own, { description, owners, contact, quota }),
    })
    onDone()
  }
  return (
    <Ask title={`Settings of ${t.team}`} confirm="Save" name="settings" wrong={wrong} action={save} onClose={onClose}>
      <label>
        About
        <input value={description} maxLength={500} onChange={(e) => setDescription(e.currentTarget.value)} data-autofocus />
      </label>
      <label>
        Owners
        <input value={owners} placeholder="ada, bob" onChange={(e) => setOwners(e.currentTarget.value)} />
      </label>
      <label>
        Contact
        <input value={contact} placeholder="#channel or address" onChange={(e) => setContact(e.currentTarget.value)} />
      </label>
      {quotas &&
        FIELDS.map((field) => (
          <label key={field}>
            {LABELS[field]}
            <input
              name={field}
              value={typed[field]}
              placeholder="the default"
              inputMode={field === 'memory' ? 'text' : 'numeric'}
              onChange={(e) => setTyped({ ...typed, [field]: e.currentTarget.value })}
            />
          </label>
        ))}
      {changes.length > 0 && (
        <p>From now on {changes.join('; ')}. What is there already stays; what would go past a quota is refused and says so.</p>
      )}
    </Ask>
  )
}
