import { Button } from '@mantine/core'
import { type FormEvent, useEffect, useState } from 'react'
import { csrfHeader, functionPath } from '../api/http'
import { formatBytes, formatSeconds } from '../format/number'
import { Dialog } from '../parts/dialog'
import { Notice } from '../parts/notice'
import type { LogRecord, Problem } from '../wire.gen'
import { Line } from './log-tail'
import type { LogLine } from './logs'
import styles from './try-it.module.css'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS']
const MOST_SHOWN = 64 * 1024

interface Result {
  status: number
  text: string
  seconds: number
  waited: number | null // until the first byte
  request: string
  version: string
  headers: [string, string][]
  body: string
  bytes: number
  problem: Problem | null
}

/** Sends one real request to the function and shows what came back, as text only. */
export function TryIt({ name, onClose }: { name: string; onClose: () => void }) {
  const [method, setMethod] = useState('GET')
  const [path, setPath] = useState('/')
  const [headers, setHeaders] = useState('')
  const [body, setBody] = useState('')
  const [busy, setBusy] = useState(false)
  const [result, setResult] = useState<Result | null>(null)
  const [error, setError] = useState('')
  const bodyless = method === 'GET' || method === 'HEAD'

  const send = async (event: FormEvent) => {
    event.preventDefault()
    setBusy(true)
    setError('')
    try {
      setResult(await call(name, method, path, headers, bodyless ? undefined : body))
    } catch (failure) {
      setResult(null)
      setError((failure as Error).message)
    } finally {
      setBusy(false)
    }
  }

  return (
    <Dialog title={`Try ${name}`} size="xl" onClose={onClose}>
      <form className={styles.form} onSubmit={send}>
        <div className={styles.request}>
          <select value={method} onChange={(e) => setMethod(e.currentTarget.value)} aria-label="Method">
            {METHODS.map((m) => (
              <option key={m}>{m}</option>
            ))}
          </select>
          <input
            value={path}
            onChange={(e) => setPath(e.currentTarget.value)}
            aria-label="Path and query"
            spellCheck={false}
            data-autofocus
          />
          <Button type="submit" size="xs" loading={busy}>
            Send
          </Button>
        </div>
        <label>
          Headers, one a line
          <textarea
            rows={2}
            value={headers}
            placeholder="Accept: application/json"
            onChange={(e) => setHeaders(e.currentTarget.value)}
            spellCheck={false}
          />
        </label>
        {!bodyless && (
          <label>
            Body
            <textarea rows={5} value={body} onChange={(e) => setBody(e.currentTarget.value)} spellCheck={false} />
          </label>
        )}
        <p className={styles.note}>This is a real request to the live version; it counts in the metrics.</p>
      </form>
      {error && (
        <Notice title="The request was not sent" tone="bad">
          {error}
        </Notice>
      )}
      {result && <Answer key={result.request} result={result} />}
      {result?.request && <CallLogs key={`logs ${result.request}`} name={name} request={result.request} />}
    </Dialog>
  )
}

function Answer({ result: r }: { result: Result }) {
  return (
    <section className={styles.answer} aria-label="Response">
      <p className={styles.status} data-bad={r.status >= 500}>
        <b>
          {r.status} {r.text}
        </b>{' '}
        in {formatSeconds(r.seconds)}
        {r.waited !== null && `, the first byte after ${formatSeconds(r.waited)}`}
        {r.version && <> by @{r.version}</>}, {formatBytes(r.bytes)}
        {r.request && (
          <>
            , request <code>{r.request}</code>
          </>
        )}
      </p>
      {r.problem?.code && (
        <p>
          {r.problem.detail || r.problem.title} <code>{r.problem.code}</code>
        </p>
      )}
      {r.problem?.frame && <pre>{r.problem.frame}</pre>}
      {r.problem?.stack && r.problem.stack.length > 0 && (
        <pre>
          {r.problem.stack.map((f) => `at ${f.function ? `${f.function} ` : ''}${f.file}:${f.line}:${f.column}`).join('\n')}
        </pre>
      )}
      <details>
        <summary>{r.headers.length} headers</summary>
        <pre>{r.headers.map(([k, v]) => `${k}: ${v}`).join('\n')}</pre>
      </details>
      <pre className={styles.body}>{r.body || '(no body)'}</pre>
      {r.bytes > MOST_SHOWN && <p className={styles.note}>Only the first {formatBytes(MOST_SHOWN)} are shown.</p>}
    </section>
  )
}

const LOGS_AFTER_MS = 400 // lines of a worker come a moment after its answer
const LOGS_AGAIN_MS = 1500

/** What the call wrote to its log. */
function CallLogs({ name, request: id }: { name: string; request: string }) {
  const [lines, setLines] = useState<LogLine[] | null>(null)
  const [failed, setFailed] = useState(false)
  useEffect(() => {
    const abort = new AbortController()
    const look = () => {
      readLogs(name, id, abort.signal).then(setLines, () => {
        if (!abort.signal.aborted) setFailed(true)
      })
    }
    const timers = [window.setTimeout(look, LOGS_AFTER_MS), window.setTimeout(look, LOGS_AGAIN_MS)]
    return () => {
      abort.abort()
      for (const timer of timers) window.clearTimeout(timer)
    }
  }, [name, id])
  return (
    <section aria-label="Logs of this call">
      <p className={styles.note}>
        {failed
          ? 'Its log could not be read.'
          : lines === null
            ? 'Looking for what it logged…'
            : lines.length === 0
              ? 'It logged nothing.'
              : `It logged ${lines.length === 1 ? 'one line' : `${lines.length} lines`}:`}
      </p>
      {lines?.map((line) => (
        <Line key={line.key} line={line} />
      ))}
    </section>
  )
}

async function readLogs(name: string, id: string, signal: AbortSignal): Promise<LogLine[]> {
  const response = await fetch(functionPath(name, `logs?limit=100&request=${encodeURIComponent(id)}`), { signal })
  if (!response.ok) throw new Error(`The server answered ${response.status}.`)
  const text = await response.text()
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line, i) => ({ key: String(i), record: JSON.parse(line) as LogRecord }))
}

async function call(name: string, method: string, path: string, headerText: string, body: string | undefined): Promise<Result> {
  const headers = new Headers()
  for (const line of headerText.split('\n')) {
    if (line.trim() === '') continue
    const cut = line.indexOf(':')
    if (cut < 1) throw new Error(`The header “${line.trim()}” has no colon.`)
    headers.append(line.slice(0, cut).trim(), line.slice(cut + 1).trim())
  }
  if (!headers.has('Authorization')) for (const [header, value] of Object.entries(csrfHeader())) headers.set(header, value)
  const began = performance.now()
  const response = await fetch(`/fn/${name}${path.startsWith('/') ? path : `/${path}`}`, {
    method,
    headers,
    body,
    redirect: 'manual',
  })
  const first = (performance.now() - began) / 1000
  const bytes = await response.arrayBuffer()
  const seconds = (performance.now() - began) / 1000
  const text = new TextDecoder().decode(bytes.slice(0, MOST_SHOWN))
  return {
    status: response.status,
    text: response.type === 'opaqueredirect' ? 'a redirect, which is not followed here' : response.statusText,
    seconds,
    waited: bytes.byteLength > 0 ? first : null,
    request: response.headers.get('Hadron-Request-Id') ?? '',
    version: response.headers.get('Hadron-Version') ?? '',
    headers: [...response.headers],
    body: pretty(text, response.headers.get('Content-Type') ?? ''),
    bytes: bytes.byteLength,
    problem: (response.headers.get('Content-Type') ?? '').startsWith('application/problem+json') ? parseProblem(text) : null,
  }
}

function pretty(text: string, type: string): string {
  if (!type.includes('json')) return text
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch {
    return text
  }
}

function parseProblem(text: string): Problem | null {
  try {
    return JSON.parse(text) as Problem
  } catch {
    return null
  }
}
