import { Button } from '@mantine/core'
import { useState } from 'react'
import { may } from '../access/grants'
import { useSession } from '../access/use-session'
import { functionPath } from '../api/http'
import { useFetch } from '../api/use-fetch'
import { localTimes } from '../format/time'
import { Link } from '../parts/link'
import { Reading } from '../parts/notice'
import { Ago } from '../parts/time'
import type { Incident, List } from '../wire.gen'
import { AcknowledgeDialog } from './acknowledge'
import styles from './incidents.module.css'
import { aroundIncident, outside } from './links'
import { SilenceDialog } from './silence'

const EVERY_MS = 3000

/** Open incidents, of one function or of all: who has them, who was told, and what can be done. */
export function Incidents({ name, now, onSilenced }: { name?: string; now: number; onSilenced?: () => void }) {
  const session = useSession()
  const list = useFetch<List<Incident>>(name ? functionPath(name, 'incidents?limit=1') : '/api/v1/incidents', EVERY_MS)
  const [taken, setTaken] = useState<Incident | null>(null)
  const [silenced, setSilenced] = useState<Incident | null>(null)
  const open = (list.data?.items ?? []).filter((i) => !i.closedAt)
  const told = name && !list.data ? null : <Reading what="the incidents" of={list} now={now} lines={2} />
  if (open.length === 0) return told
  return (
    <section className={styles.incidents} aria-label="Open incidents">
      {!name && <h2>Open incidents</h2>}
      {told}
      <ul>
        {open.map((i) => (
          <li key={`${i.function} ${i.slo}`} data-incident={i.slo} data-acknowledged={Boolean(i.acknowledgedAt)}>
            <div className={styles.what}>
              <b className={styles.class} data-class={i.class}>
                {i.class === 'page' ? '✕ page' : '! ticket'}
              </b>{' '}
              {!name && (
                <Link to={`/f/${i.function}`} className={styles.name}>
                  {i.function}
                </Link>
              )}{' '}
              <span>{i.slo}</span>
              <span className={styles.quiet}>
                {' '}
                open for <Ago at={i.openedAt} now={now} suffix="" />
                {i.why && `, ${i.why}`}
              </span>
            </div>
            <div className={styles.who}>
              {i.acknowledgedAt ? (
                <span>
                  <b>✓ {i.acknowledgedBy || 'somebody'} has it</b>
                  <span className={styles.quiet}>
                    {' '}
                    since <Ago at={i.acknowledgedAt} now={now} />
                    {i.via === 'pagerduty' && ', at PagerDuty'}.
                  </span>
                </span>
              ) : (
                <span>Nobody has it yet.</span>
              )}
              <span className={styles.quiet}>
                {' '}
                {i.silenced
                  ? `Nobody was told: ${localTimes(i.silenced, now)}.`
                  : i.told.length > 0
                    ? `Told: ${i.told.join(', ')}.`
                    : 'Nobody was told.'}
              </span>
              {i.assignee && <span className={styles.quiet}> Assigned to {i.assignee}.</span>}
              <div className={styles.links}>
                <Link to={aroundIncident(i, now)}>Charts of that time</Link>
                <Away to={i.dashboardUrl}>Dashboard</Away>
                {i.runbook ? (
                  <Away to={i.runbook}>Runbook</Away>
                ) : (
                  <span className={styles.quiet}>no runbook in hadron.yaml</span>
                )}
              </div>
              {i.notes?.map((note) => (
                <div key={`${note.at} ${note.by}`} className={styles.note}>
                  {note.by}, <Ago at={note.at} now={now} />: {note.text}
                </div>
              ))}
            </div>
            <div className={styles.actions}>
              <Away to={i.pagerUrl}>PagerDuty</Away>
              {may(session, 'deploy', i.function) ? (
                <>
                  <Button size="compact-xs" variant="default" onClick={() => setTaken(i)}>
                    {i.acknowledgedAt ? 'Add a note…' : 'Acknowledge…'}
                  </Button>
                  <Button size="compact-xs" variant="default" onClick={() => setSilenced(i)}>
                    Silence…
                  </Button>
                </>
              ) : (
                <span className={styles.quiet}>Whoever may deploy it can acknowledge and silence it.</span>
              )}
            </div>
          </li>
        ))}
      </ul>
      {taken && <AcknowledgeDialog incident={taken} onClose={() => setTaken(null)} onDone={list.reload} />}
      {silenced && (
        <SilenceDialog
          incident={silenced}
          onClose={() => setSilenced(null)}
          onDone={() => {
            list.reload()
            onSilenced?.()
          }}
        />
      )}
    </section>
  )
}

/** A link out of the app, where there is one. */
function Away({ to, children }: { to: string | undefined; children: string }) {
  const address = outside(to)
  if (!address) return null
  return (
    <a href={address} target="_blank" rel="noreferrer noopener" className={styles.out}>
      {children} <span aria-hidden>↗</span>
    </a>
  )
}
