import { Button } from '@mantine/core'
import { useEffect, useMemo, useRef, useState } from 'react'
import { ApiError, functionPath, request } from '../api/http'
import { formatNumber, formatPercent, formatSeconds } from '../format/number'
import { Dialog } from '../parts/dialog'
import { Notice } from '../parts/notice'
import type { Flame, FlameNode } from '../wire.gen'
import { barsOf, hottest, hueOf, nodeAt } from './flame'
import styles from './profile.module.css'

const LENGTHS = [5, 10, 30]
const ROW = 19
const TOP = 12

/** Watches the function for some seconds and draws where its JavaScript spends its time. */
export function Profile({ name, onClose }: { name: string; onClose: () => void }) {
  const [seconds, setSeconds] = useState(5)
  const [busy, setBusy] = useState(false)
  const [flame, setFlame] = useState<Flame | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const abort = useRef<AbortController | null>(null)
  useEffect(() => () => abort.current?.abort(), [])

  const watch = async () => {
    const mine = new AbortController()
    abort.current = mine
    setBusy(true)
    setError(null)
    try {
      setFlame(await request<Flame>(functionPath(name, `flame?seconds=${seconds}`), { signal: mine.signal }))
    } catch (failure) {
      if (!mine.signal.aborted)
        setError(failure instanceof ApiError ? failure : new ApiError(0, null, 'The profile could not be read.'))
    } finally {
      if (!mine.signal.aborted) setBusy(false)
    }
  }

  return (
    <Dialog title={`Profile of ${name}`} size="90%" onClose={onClose}>
      <div className={styles.bar}>
        <label>
          Watch for{' '}
          <select value={seconds} onChange={(e) => setSeconds(Number(e.currentTarget.value))} disabled={busy}>
            {LENGTHS.map((s) => (
              <option key={s} value={s}>
                {s} s
              </option>
            ))}
          </select>
        </label>
        <Button size="xs" onClick={watch} loading={busy} data-autofocus>
          Watch
        </Button>
        <span role="status" className={styles.note}>
          {busy ? `Watching its calls for ${seconds} s…` : 'It watches the calls that come meanwhile, and makes none.'}
        </span>
      </div>
      {error && (
        <Notice title={error.code === 'no_samples' ? 'Nothing ran meanwhile' : 'There is no profile'} tone="bad">
          <p>{error.message}</p>
        </Notice>
      )}
      {flame && !busy && <Graph flame={flame} />}
    </Dialog>
  )
}

function Graph({ flame }: { flame: Flame }) {
  const [path, setPath] = useState('')
  const [over, setOver] = useState<FlameNode | null>(null)
  const focus = nodeAt(flame.root, path)
  const bars = useMemo(() => barsOf(focus), [focus])
  const depth = bars.reduce((most, bar) => Math.max(most, bar.depth), 0)
  const all = flame.root.total
  const told = over ?? focus
  return (
    <>
      <p className={styles.told}>
        {told.name === '' ? (
          <>
            <b>{formatSeconds(all)}</b> of JavaScript in {formatSeconds(flame.seconds)}, {formatNumber(flame.samples)} samples.
            Choose a call to look into it.
          </>
        ) : (
          <>
            <b>{told.name}</b> {told.file && <code>{`${told.file}${told.line ? `:${told.line}` : ''}`}</code>}{' '}
            {formatPercent(told.total / all)}, {formatSeconds(told.total)} with what it calls, {formatSeconds(told.self)} by
            itself
          </>
        )}
      </p>
      <div className={styles.graph} style={{ height: (depth + 1) * ROW }} onPointerLeave={() => setOver(null)}>
        {bars.map((bar) => (
          <button
            key={bar.path}
            type="button"
            tabIndex={bar.width > 0.02 ? 0 : -1}
            className={styles.call}
            data-root={bar.node.name === ''}
            style={{
              left: `${bar.left * 100}%`,
              width: `${bar.width * 100}%`,
              top: bar.depth * ROW,
              height: ROW - 1,
              ...(bar.node.name !== '' && { '--hue': String(hueOf(bar.node.file)) }),
            }}
            onClick={() => setPath(bar.depth === 0 ? path.slice(0, Math.max(0, path.lastIndexOf('/'))) : path + bar.path)}
            onPointerEnter={() => setOver(bar.node)}
            onFocus={() => setOver(bar.node)}
            onBlur={() => setOver(null)}
          >
            {bar.node.name || 'all calls'}
            <span className="visually-hidden"> {formatPercent(bar.node.total / all)}</span>
          </button>
        ))}
      </div>
      {path !== '' && (
        <Button size="compact-xs" variant="default" onClick={() => setPath('')}>
          Show all calls
        </Button>
      )}
      {flame.pruned && <p className={styles.note}>Calls with a very small share are left out; hadron profile has them.</p>}
      <table className={styles.hot}>
        <thead>
          <tr>
            <th>function</th>
            <th>where</th>
            <th>by itself</th>
            <th>share</th>
            <th>with what it calls</th>
          </tr>
        </thead>
        <tbody>
          {hottest(flame.root, TOP).map((h) => (
            <tr key={h.key}>
              <td>{h.name}</td>
              <td>
                <code>{h.file && `${h.file}${h.line ? `:${h.line}` : ''}`}</code>
              </td>
              <td>{formatSeconds(h.self)}</td>
              <td>{formatPercent(all > 0 ? h.self / all : null)}</td>
              <td>{formatSeconds(h.total)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}
