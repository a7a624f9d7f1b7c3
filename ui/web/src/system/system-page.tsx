import { useFetch } from '../api/use-fetch'
import { formatBytes, formatNumber, formatSeconds } from '../format/number'
import { useNow } from '../live/use-live'
import { Reading } from '../parts/notice'
import table from '../parts/table.module.css'
import { Ago, Clock } from '../parts/time'
import type { Fact, Part, Reconciler, System } from '../wire.gen'
import { Intakes } from './intake'
import styles from './system.module.css'
import { Watchdogs } from './watchdogs'

const EVERY_MS = 5000

const SIGNS: Record<string, string> = { ok: '✓', degraded: '!', down: '✕', disabled: '–' }

/** The installation itself: its node, its parts and queues, what it reconciles, and the bounds in effect. */
export default function SystemPage() {
  const system = useFetch<System>('/api/v1/system', EVERY_MS)
  const now = useNow()
  const s = system.data
  return (
    <div className={`${table.page} ${styles.page}`}>
      <h1>System</h1>
      <Reading what="the system" of={system} now={now} lines={10} />
      {s && (
        <div className="live-data" data-old={Boolean(system.error)}>
          <Node system={s} now={now} />
          <Parts parts={s.parts} now={now} />
          {s.reconcilers.length > 0 && <Reconcilers items={s.reconcilers} now={now} />}
          {s.settings.length > 0 && <Watchdogs items={s.watchdogs} now={now} />}
          <Intakes />
          {s.settings.length > 0 && <Settings system={s} />}
          {s.facts.length === 0 && (
            <p className={table.quiet}>Numbers, errors and settings are shown to those who may read everything.</p>
          )}
        </div>
      )}
    </div>
  )
}

function Node({ system: s, now }: { system: System; now: number }) {
  return (
    <section aria-label="Node" className={styles.node}>
      <p>
        <PartState state={s.state} /> <b>{s.node}</b> Hadron {s.version}
        {s.dev && ' with --dev'}, up since <Clock at={s.startedAt} now={now} /> (<Ago at={s.startedAt} now={now} suffix="" />)
      </p>
      <Facts facts={s.facts} />
    </section>
  )
}

/** What each part says of itself, the worst first. */
function Parts({ parts, now }: { parts: readonly Part[]; now: number }) {
  const order = ['down', 'degraded', 'ok', 'disabled']
  const sorted = [...parts].sort((a, b) => order.indexOf(a.state) - order.indexOf(b.state))
  return (
    <section aria-labelledby="parts">
      <h2 id="parts">Parts and queues</h2>
      <table className={table.table}>
        <thead>
          <tr>
            <th>state</th>
            <th>part</th>
            <th>what it says</th>
            <th>numbers</th>
          </tr>
        </thead>
        <tbody>
          {sorted.map((part) => (
            <tr key={part.name} data-part={part.name}>
              <td className={table.tight}>
                <PartState state={part.state} />
              </td>
              <td className={`${table.tight} ${table.leaf}`}>{part.name}</td>
              <td className={table.whole}>
                {part.detail || <span className={`${table.quiet} ${styles.dash}`}>–</span>}
                {part.since && (
                  <span className={table.quiet}>
                    {' '}
                    for <Ago at={part.since} now={now} suffix="" />
                  </span>
                )}
              </td>
              <td className={table.whole}>
                <Facts facts={part.facts} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Reconcilers({ items, now }: { items: readonly Reconciler[]; now: number }) {
  return (
    <section aria-labelledby="reconcilers">
      <h2 id="reconcilers">Reconcilers</h2>
      <table className={table.table}>
        <thead>
          <tr>
            <th>state</th>
            <th>makes</th>
            <th>last pass</th>
            <th>last without a failure</th>
            <th>next, at the latest</th>
            <th>what the last pass did</th>
          </tr>
        </thead>
        <tbody>
          {items.map((r) => (
            <tr key={r.name}>
              <td className={table.tight}>
                <PartState state={r.lastError || r.waits ? 'degraded' : 'ok'} word={r.running ? 'at work' : undefined} />
              </td>
              <td className={`${table.tight} ${table.leaf}`}>{r.name}</td>
              <td className={table.tight}>
                <span className={table.label}>last pass </span>
                {r.lastPass ? <Ago at={r.lastPass} now={now} /> : 'not yet'}
              </td>
              <td className={table.tight}>
                <span className={table.label}>without a failure </span>
                {r.lastSuccess ? <Ago at={r.lastSuccess} now={now} /> : 'never'}
              </td>
              <td className={table.tight}>
                <span className={table.label}>next at </span>
                {r.nextAttempt ? <Clock at={r.nextAttempt} now={now} seconds /> : '–'}
              </td>
              <td className={table.whole}>
                {r.lastError && (
                  <b className={table.warn}>
                    {r.lastError}
                    {r.failures > 1 && `, ${r.failures} times in a row`}.{' '}
                  </b>
                )}
                {r.waits && <b className={table.warn}>{r.waits}. </b>}
                <span className={table.quiet}>{passWords(r)}</span>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function passWords(r: Reconciler): string {
  const parts = [
    [r.created, 'made'],
    [r.updated, 'changed'],
    [r.deleted, 'removed'],
    [r.failed, 'failed'],
    [r.unchanged, 'right already'],
  ] as const
  const words = parts.filter(([n]) => n > 0).map(([n, word]) => `${formatNumber(n)} ${word}`)
  const did = words.join(', ') || 'nothing to do'
  return r.of ? `${formatNumber(r.done ?? 0)} of ${formatNumber(r.of)} are right; ${did}` : did
}

function Settings({ system: s }: { system: System }) {
  return (
    <section aria-labelledby="settings">
      <h2 id="settings">Limits and settings in effect</h2>
      <table className={table.table}>
        <thead>
          <tr>
            <th>key</th>
            <th>value</th>
            <th>what it bounds</th>
          </tr>
        </thead>
        <tbody>
          {s.settings.map((setting) => (
            <tr key={setting.key}>
              <td className={table.tight}>
                <code>{setting.key}</code>
              </td>
              <td className={table.tight}>{setting.value}</td>
              <td className={`${table.whole} ${table.quiet}`}>{setting.help}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

/** A state is a sign, a word and a colour. */
function PartState({ state, word = state }: { state: string; word?: string }) {
  const tone = state === 'down' ? table.bad : state === 'degraded' ? table.warn : table.quiet
  return (
    <span className={tone}>
      <span aria-hidden>{SIGNS[state] ?? '?'}</span> {word}
    </span>
  )
}

function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className={styles.facts}>
      {facts.map((fact) => (
        <div key={fact.name}>
          <dt>{fact.name}</dt>
          <dd>{factText(fact)}</dd>
        </div>
      ))}
    </dl>
  )
}

function factText({ value, unit }: Fact): string {
  switch (unit) {
    case 'bytes':
      return formatBytes(value)
    case 's':
      return formatSeconds(value)
    default:
      return formatNumber(value)
  }
}
