import { Button } from '@mantine/core'
import { useEffect, useState } from 'react'
import { may } from '../access/grants'
import { useSession } from '../access/use-session'
import { useFetch } from '../api/use-fetch'
import { formatPercent } from '../format/number'
import { Link } from '../parts/link'
import { Failure, Loading } from '../parts/notice'
import { Ago, Clock } from '../parts/time'
import type { Deployment, DeploymentEvent, Freeze, Rollout } from '../wire.gen'
import { SIGNS, stagesOf, stateTone, stateWords, VERBS, type Verb, verbsOf, waitsFor } from './rollout'
import styles from './rollout.module.css'
import { Steer } from './steer'

interface RolloutPanelProps {
  rollout: Rollout
  now: number
  /** Whether the function is named: not on its own page. */
  named?: boolean
}

/** One deployment: how it is in words, how far, what it waits for, how it is judged, what happened, and what can be done. */
export function RolloutPanel({ rollout: r, now, named = false }: RolloutPanelProps) {
  const [verb, setVerb] = useState<Verb | null>(null)
  const session = useSession()
  const verbs = may(session, 'deploy', r.function) ? verbsOf(r) : []
  const freeze = useFetch<Freeze>(r.active ? `/api/v1/teams/${r.function.split('/')[0]}/freeze` : null, 15_000)
  return (
    <article className={styles.panel} data-rollout={r.id} data-state={r.state}>
      <header className={styles.head}>
        <h2>
          {named && (
            <>
              <Link to={`/f/${r.function}`}>{r.function}</Link>{' '}
            </>
          )}
          <span className={styles.change}>
            @{r.from} → @{r.to}
          </span>{' '}
          <span className={styles.quiet}>
            {r.alias}, {r.strategy}
          </span>
        </h2>
        <RolloutState state={r.state} />
        <span className={styles.quiet}>
          {r.author}, <Ago at={r.startedAt} now={now} />
          {r.message && <> “{r.message}”</>}
        </span>
      </header>
      <Steps rollout={r} />
      <p className={styles.reason}>{r.reason}</p>
      {waitsFor(r, now) && <p className={styles.quiet}>{waitsFor(r, now)}</p>}
      {freeze.data?.frozen && <Frozen freeze={freeze.data} now={now} />}
      {r.analysis && <Verdict rollout={r} now={now} />}
      <Events rollout={r} now={now} />
      {verbs.length > 0 && (
        <div className={styles.actions}>
          {verbs.map((v) => (
            <Button key={v} size="compact-sm" variant="default" data-verb={v} onClick={() => setVerb(v)}>
              {VERBS[v]}…
            </Button>
          ))}
        </div>
      )}
      {verb && <Steer rollout={r} verb={verb} onClose={() => setVerb(null)} />}
    </article>
  )
}

/** A deployment's state: a sign, words and a colour. */
export function RolloutState({ state }: { state: string }) {
  const tone = stateTone(state)
  return (
    <span className={styles.state} data-tone={tone}>
      <span aria-hidden>{SIGNS[tone]}</span> {stateWords(state)}
    </span>
  )
}

function Steps({ rollout: r }: { rollout: Rollout }) {
  return (
    <ol className={styles.steps} aria-label="Steps">
      {stagesOf(r).map((s) => (
        <li key={s.label} data-place={s.place} aria-current={s.place === 'now' ? 'step' : undefined}>
          {s.place === 'done' && <span aria-hidden>✓ </span>}
          {s.label}
          <span className="visually-hidden">{s.place === 'done' ? ' passed' : s.place === 'now' ? ' now' : ' to come'}</span>
        </li>
      ))}
    </ol>
  )
}

/** A team's freeze, on pages of what it holds. */
export function Frozen({ freeze: f, now }: { freeze: Freeze; now: number }) {
  return (
    <p className={styles.frozen} role="status">
      <b>{f.team} is frozen</b>
      {f.until && (
        <>
          {' '}
          until <Clock at={f.until} now={now} />
        </>
      )}{' '}
      by {f.by}: {f.reason}. Deployments stay where they are; rollback and abort are possible.
    </p>
  )
}

/** Canary beside baseline, measure by measure, with what follows from it. */
function Verdict({ rollout: r, now }: { rollout: Rollout; now: number }) {
  const a = r.analysis
  if (!a) return null
  return (
    <section className={styles.verdict} aria-label="Analysis">
      <p>
        <b data-verdict={a.verdict}>{a.verdict}</b> {a.reason}{' '}
        <span className={styles.quiet}>
          <Ago at={a.at} now={now} />
        </span>
      </p>
      <table className={styles.findings}>
        <thead>
          <tr>
            <th>share of calls</th>
            <th>canary @{a.canary.version}</th>
            <th>baseline @{a.baseline.version}</th>
            <th>verdict</th>
          </tr>
        </thead>
        <tbody>
          <tr>
            <td>calls compared</td>
            <td>{a.canary.calls}</td>
            <td>{a.baseline.calls}</td>
            <td />
          </tr>
          {a.findings.map((f) => (
            <tr key={f.measure}>
              <td>{f.measure}</td>
              <td>{formatPercent(a.canary.calls > 0 ? f.canary : null)}</td>
              <td>{formatPercent(a.baseline.calls > 0 ? f.baseline : null)}</td>
              <td data-verdict={f.verdict} title={f.text}>
                {f.verdict}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** What happened to it, newest first; read again when it moves. */
function Events({ rollout: r, now }: { rollout: Rollout; now: number }) {
  const read = useFetch<Deployment>(`/api/v1/deployments/${r.id}`, r.active ? 10_000 : 0)
  const { reload } = read
  const moved = `${r.state} ${r.step} ${r.reason}`
  // biome-ignore lint/correctness/useExhaustiveDependencies: a rollout that moved has a new event
  useEffect(reload, [reload, moved])
  const events: DeploymentEvent[] = [...(read.data?.events ?? [])].reverse()
  return (
    <details className={styles.events} open={r.active}>
      <summary>What happened</summary>
      {read.error && !read.data && <Failure what="The events" error={read.error} retry={reload} />}
      {!read.data && !read.error && <Loading what="events" lines={2} />}
      <ol>
        {events.map((e) => (
          <li key={`${e.time} ${e.kind} ${e.text}`}>
            <Clock at={e.time} now={now} seconds /> <span>{e.text}</span>
            {e.by && <span className={styles.quiet}> {e.by}</span>}
          </li>
        ))}
      </ol>
    </details>
  )
}
