import { Button } from '@mantine/core'
import { useState } from 'react'
import { maySilence } from '../access/grants'
import { useSession } from '../access/use-session'
import { request } from '../api/http'
import type { Fetched } from '../api/use-fetch'
import { Ask } from '../parts/ask'
import { Reading } from '../parts/notice'
import table from '../parts/table.module.css'
import { Clock } from '../parts/time'
import type { List, Silence } from '../wire.gen'
import styles from './incidents.module.css'

/** Silences that hold or are to hold, each with who made it and why, and its end. */
export function Silences({ list, now }: { list: Fetched<List<Silence>>; now: number }) {
  const session = useSession()
  const [ending, setEnding] = useState<Silence | null>(null)
  const items = list.data?.items ?? []
  const told = list.error && <Reading what="the silences" of={list} now={now} />
  if (items.length === 0) return told
  const some = items.some((s) => maySilence(session, s.scope))
  return (
    <section className={styles.incidents} aria-label="Silences">
      <h2>Silences</h2>
      {told}
      <table className={table.table}>
        <thead>
          <tr>
            <th>state</th>
            <th>of</th>
            <th>why</th>
            <th>by</th>
            <th>until</th>
            {some && <th>end</th>}
          </tr>
        </thead>
        <tbody>
          {items.map((s) => (
            <tr key={s.id} data-silence={s.id}>
              <td className={table.tight}>
                {s.state}
                {s.kind === 'maintenance' && <span className={table.quiet}> maintenance</span>}
              </td>
              <td className={table.tight}>
                <b>{s.scope || 'everything'}</b>
                <span className={table.quiet}>
                  {s.slo && ` ${s.slo}`}
                  {s.class && ` ${s.class}s only`}
                </span>
              </td>
              <td className={table.whole}>{s.reason}</td>
              <td className={table.tight}>
                <span className={table.label}>by </span>
                {s.owner}
              </td>
              <td className={table.tight}>
                {s.state === 'pending' && (
                  <>
                    from <Clock at={s.starts} now={now} /> until{' '}
                  </>
                )}
                {s.state !== 'pending' && <span className={table.label}>until </span>}
                <Clock at={s.ends} now={now} />
              </td>
              {some && (
                <td className={table.tight}>
                  {maySilence(session, s.scope) && (
                    <Button size="compact-xs" variant="default" onClick={() => setEnding(s)}>
                      End…
                    </Button>
                  )}
                </td>
              )}
            </tr>
          ))}
        </tbody>
      </table>
      {ending && <End silence={ending} onClose={() => setEnding(null)} onDone={list.reload} />}
    </section>
  )
}

function End({ silence: s, onClose, onDone }: { silence: Silence; onClose: () => void; onDone: () => void }) {
  const end = async () => {
    await request(`/api/v1/silences/${s.id}`, { method: 'DELETE' })
    onDone()
  }
  return (
    <Ask
      title={`End the silence of ${s.scope || 'everything'}?`}
      confirm="End it"
      name="end"
      danger
      cancel="Keep it"
      action={end}
      onClose={onClose}
    >
      <p>What fires there now is told at once: people may be paged.</p>
    </Ask>
  )
}
