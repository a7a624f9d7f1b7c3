import { Button } from '@mantine/core'
import { useState } from 'react'
import { may } from '../access/grants'
import { useSession } from '../access/use-session'
import { functionPath, request } from '../api/http'
import { Ask } from '../parts/ask'
import { Ago, Clock } from '../parts/time'
import type { Quarantine, Released } from '../wire.gen'
import styles from './function-page.module.css'

interface QuarantinedProps {
  name: string
  versions: readonly Quarantine[]
  now: number
  onReleased: () => void
}

/** The versions that are not run, why, when they are tried again, and how to let them run at once. */
export function Quarantined({ name, versions, now, onReleased }: QuarantinedProps) {
  const session = useSession()
  const [asked, setAsked] = useState(0)
  const release = async (version: number) => {
    await request<Released>(functionPath(name, `versions/${version}/release`), { method: 'POST' })
    onReleased()
  }
  return versions.map((q) => (
    <tr key={q.version} data-quarantined={q.version}>
      <td className={styles.firing}>held back</td>
      <td>
        @{q.version} ended its worker {q.deaths === 1 ? 'once' : `${q.deaths} times`}: {q.reason}
        <span className={styles.quiet}>
          {' '}
          since <Ago at={q.since} now={now} />
          {Date.parse(q.until) > now ? (
            <>
              , tried again at <Clock at={q.until} now={now} seconds />
            </>
          ) : (
            ', on trial now'
          )}
        </span>{' '}
        {may(session, 'deploy', name) && (
          <Button size="compact-xs" variant="default" onClick={() => setAsked(q.version)}>
            Release
          </Button>
        )}
        {asked === q.version && (
          <Ask
            title={`Release @${q.version}?`}
            confirm={`Release @${q.version}`}
            name="release"
            danger
            action={() => release(q.version)}
            onClose={() => setAsked(0)}
          >
            <p>
              It is run again at once, for all its callers. If it ends its worker again, the calls that are in there with it fail
              too, and it is held back again.
            </p>
          </Ask>
        )}
      </td>
    </tr>
  ))
}
