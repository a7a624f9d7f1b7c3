import { Button } from '@mantine/core'
import { type FormEvent, useEffect, useRef, useState } from 'react'
import { may } from '../access/grants'
import { useSession } from '../access/use-session'
import { type ApiError, asApiError, functionPath, request } from '../api/http'
import { useNow } from '../live/use-live'
import { Dialog } from '../parts/dialog'
import { Notice } from '../parts/notice'
import type { AskBacktest, Backtest as Replayed, SLO } from '../wire.gen'
import styles from './backtest.module.css'
import { Outcome } from './backtest-outcome'
import { SaveObjectives } from './save-objectives'
import { MOST_LATENCY, parseTerms, sameTerms, type Terms, termsOf, WINDOWS } from './terms'

const SINCE = [
  ['1d', 'the last day'],
  ['7d', 'the last 7 days'],
  ['14d', 'the last 14 days'],
  ['30d', 'the last 30 days'],
] as const

interface BacktestProps {
  name: string
  slo: SLO
  onClose: () => void
  onSaved: () => void
}

/** Tries objectives on what the function did of late: when each rule would have paged, and what the budgets lost. */
export function Backtest({ name, slo, onClose, onSaved }: BacktestProps) {
  const now = useNow()
  const session = useSession()
  const [own] = useState(() => termsOf(slo))
  const [terms, setTerms] = useState(own)
  const [since, setSince] = useState<string>('7d')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  const [shown, setShown] = useState<{ terms: Terms; since: string; result: Replayed } | null>(null)
  const [saving, setSaving] = useState(false)
  const abort = useRef<AbortController | null>(null)
  useEffect(() => () => abort.current?.abort(), [])

  const { slo: asked, wrong = '' } = parseTerms(terms)
  const changed = asked !== undefined && !sameTerms(terms, own)
  const stale = shown !== null && (shown.since !== since || !sameTerms(shown.terms, terms))

  const preview = async (event: FormEvent) => {
    event.preventDefault()
    if (!asked) return
    const mine = new AbortController()
    abort.current = mine
    setBusy(true)
    setError(null)
    try {
      const body: AskBacktest = { since, slo: asked }
      const result = await request<Replayed>(functionPath(name, 'backtest'), { method: 'POST', body, signal: mine.signal })
      setShown({ terms, since, result })
    } catch (failure) {
      if (mine.signal.aborted) return
      setShown(null)
      setError(asApiError(failure))
    }
    setBusy(false)
  }

  return (
    <Dialog title={`Objectives of ${name}`} size="xl" onClose={onClose}>
      {saving && asked ? (
        <SaveObjectives name={name} slo={asked} onBack={() => setSaving(false)} onClose={onClose} onSaved={onSaved} />
      ) : (
        <>
          <form onSubmit={preview} className={styles.form}>
            <Fields terms={terms} onChange={setTerms} />
            <div className={styles.bar}>
              <label>
                On{' '}
                <select value={since} onChange={(e) => setSince(e.currentTarget.value)} aria-label="History">
                  {SINCE.map(([value, words]) => (
                    <option key={value} value={value}>
                      {words}
                    </option>
                  ))}
                </select>
              </label>
              <Button type="submit" size="xs" loading={busy} disabled={wrong !== ''} data-autofocus>
                Preview
              </Button>
              {may(session, 'deploy', name) && (
                <Button size="xs" variant="default" disabled={!changed} onClick={() => setSaving(true)}>
                  Save as a version…
                </Button>
              )}
            </div>
            <p role={wrong ? 'alert' : undefined} className={wrong ? styles.error : styles.note}>
              {wrong || 'A preview replays its history with these objectives, as alerts are evaluated. It changes nothing.'}
            </p>
          </form>
          {error && (
            <Notice title={error.code === 'no_history' ? 'Nothing was counted in that time' : 'There is no preview'} tone="bad">
              {error.message}
            </Notice>
          )}
          {shown && (
            <div className="live-data" data-old={stale}>
              {stale && <p className={styles.note}>This is of other objectives than the form has now: preview again.</p>}
              <Outcome result={shown.result} now={now} />
            </div>
          )}
        </>
      )}
    </Dialog>
  )
}

/** The fields of objectives. */
function Fields({ terms, onChange }: { terms: Terms; onChange: (terms: Terms) => void }) {
  const change = (key: number, to: object) =>
    onChange({ ...terms, latency: terms.latency.map((l) => (l.key === key ? { ...l, ...to } : l)) })
  const next = Math.max(-1, ...terms.latency.map((l) => l.key)) + 1
  return (
    <fieldset className={styles.fields}>
      <legend>Promised</legend>
      <label>
        <input
          name="availability"
          value={terms.availability}
          inputMode="decimal"
          onChange={(e) => onChange({ ...terms, availability: e.currentTarget.value })}
        />{' '}
        % of calls without error
      </label>
      {terms.latency.map((l, i) => (
        <div key={l.key} className={styles.latency}>
          <input
            name={`quantile-${i}`}
            value={l.quantile}
            inputMode="decimal"
            aria-label="Share of calls that are fast enough, in percent"
            onChange={(e) => change(l.key, { quantile: e.currentTarget.value })}
          />{' '}
          % of calls under{' '}
          <input
            name={`threshold-${i}`}
            value={l.threshold}
            aria-label="How long such a call may take"
            onChange={(e) => change(l.key, { threshold: e.currentTarget.value })}
          />{' '}
          <Button
            size="compact-xs"
            variant="subtle"
            aria-label={`Drop the objective under ${l.threshold}`}
            onClick={() => onChange({ ...terms, latency: terms.latency.filter((o) => o.key !== l.key) })}
          >
            Drop
          </Button>
        </div>
      ))}
      <div>
        <Button
          size="compact-xs"
          variant="default"
          disabled={terms.latency.length >= MOST_LATENCY}
          onClick={() => onChange({ ...terms, latency: [...terms.latency, { key: next, quantile: '99', threshold: '1s' }] })}
        >
          Add a latency objective
        </Button>
      </div>
      <label>
        over{' '}
        <select value={terms.window} name="window" onChange={(e) => onChange({ ...terms, window: e.currentTarget.value })}>
          {WINDOWS.map((w) => (
            <option key={w}>{w}</option>
          ))}
        </select>
      </label>
    </fieldset>
  )
}
