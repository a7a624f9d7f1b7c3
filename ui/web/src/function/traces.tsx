import { useMemo, useState } from 'react'
import { functionPath } from '../api/http'
import { useFetch } from '../api/use-fetch'
import { formatPercent, formatSeconds } from '../format/number'
import { formatMillis, formatUTC, parseTime } from '../format/time'
import { Dialog } from '../parts/dialog'
import { Failure, Loading, Notice } from '../parts/notice'
import { useParam } from '../router'
import type { List, Span, Trace, TraceDetail } from '../wire.gen'
import { stamp } from './span'
import styles from './traces.module.css'
import { waterfallOf } from './waterfall'

const EVERY_MS = 5000
const SHOWN = 30

interface TracesProps {
  name: string
  past: { from: number; to: number } | null // Unix seconds; null: the last ones
}

/** The last calls whose trace is kept, of all time or a part of it; one of them as a waterfall. */
export function Traces({ name, past }: TracesProps) {
  const [only, setOnly] = useParam('traces')
  const [open, setOpen] = useParam('trace')
  const filter = only === 'errors' ? '&error=true' : only === 'slow' ? '&min=1s' : ''
  const within = past ? `&since=${stamp(past.from)}&until=${stamp(past.to)}` : ''
  const traces = useFetch<List<Trace>>(functionPath(name, `traces?limit=${SHOWN}${filter}${within}`), past ? 0 : EVERY_MS)
  const items = traces.data?.items ?? []
  return (
    <section className={styles.traces} aria-labelledby="traces-title">
      <div className={styles.bar}>
        <h2 id="traces-title">Traces</h2>
        <select value={only} onChange={(e) => setOnly(e.currentTarget.value)} aria-label="Which traces">
          <option value="">all that are kept</option>
          <option value="errors">errors only</option>
          <option value="slow">1 s and longer</option>
        </select>
      </div>
      {traces.error && !traces.data && <Failure what="The traces" error={traces.error} retry={traces.reload} />}
      {!traces.data && !traces.error && <Loading what="traces" />}
      {traces.data && items.length === 0 && (
        <p className={styles.quiet}>
          {only
            ? `None of this kind${past ? ' and time' : ''} is kept.`
            : past
              ? 'None of this time is kept: memory has the last calls only, an exporter those before.'
              : 'None yet: errors and slow calls are always kept, of others some.'}
        </p>
      )}
      {items.length > 0 && (
        <div className={styles.scroll}>
          <table className={`${styles.list} live-data`}>
            <thead>
              <tr>
                <th>when</th>
                <th>call</th>
                <th>answer</th>
                <th>took</th>
                <th>waited</th>
                <th>fetches</th>
                <th>version</th>
                <th>kept as</th>
                <th>request</th>
              </tr>
            </thead>
            <tbody>
              {items.map((t) => (
                <Row key={t.id + t.span} trace={t} onOpen={setOpen} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {open && <Detail name={name} id={open} onClose={() => setOpen('')} />}
    </section>
  )
}

function Row({ trace: t, onOpen }: { trace: Trace; onOpen: (id: string) => void }) {
  const ms = parseTime(t.time)
  return (
    <tr data-trace={t.id}>
      <td>
        <time title={ms === null ? undefined : formatUTC(ms)}>{ms === null ? '–' : formatMillis(ms)}</time>
      </td>
      <td className={styles.call}>
        <button type="button" onClick={() => onOpen(t.id)} title={t.path}>
          {t.method ? `${t.method} ${t.path}` : t.trigger}
        </button>
      </td>
      <td data-bad={t.error}>
        {t.error ? <>✕ {t.code}</> : t.status || t.code}
        {t.cold && <span className={styles.quiet}> cold</span>}
      </td>
      <td>{formatSeconds(t.duration)}</td>
      <td>{formatSeconds(t.queue + t.init)}</td>
      <td>{t.fetches}</td>
      <td>@{t.version}</td>
      <td>{t.why}</td>
      <td>
        <code>{t.request}</code>
      </td>
    </tr>
  )
}

function Detail({ name, id, onClose }: { name: string; id: string; onClose: () => void }) {
  const trace = useFetch<TraceDetail>(functionPath(name, `traces/${encodeURIComponent(id)}`))
  return (
    <Dialog title={`Trace ${id}`} size="90%" onClose={onClose}>
      {trace.error?.status === 404 ? (
        <Notice title="This trace is not kept any more">
          <p>The last calls of a function are; an exporter keeps them for longer.</p>
        </Notice>
      ) : (
        trace.error && <Failure what="The trace" error={trace.error} retry={trace.reload} />
      )}
      {!trace.data && !trace.error && <Loading what="the trace" lines={6} />}
      {trace.data && <Fall trace={trace.data} />}
    </Dialog>
  )
}

function Fall({ trace }: { trace: TraceDetail }) {
  const { lines, seconds } = useMemo(() => waterfallOf(trace), [trace])
  const [chosen, setChosen] = useState<string>('')
  const span = lines.find((line) => line.span.id === chosen)?.span ?? lines[0]?.span
  return (
    <>
      <ol className={styles.fall} aria-label={`Spans of ${formatSeconds(seconds)}`}>
        {lines.map((line) => (
          <li key={line.span.id}>
            <button
              type="button"
              aria-pressed={line.span.id === span?.id}
              data-error={line.span.error !== ''}
              onClick={() => setChosen(line.span.id)}
            >
              <span className={styles.spanName} style={{ paddingLeft: line.depth * 14 }}>
                {line.span.error && <span aria-hidden>✕ </span>}
                {line.span.name}
              </span>
              <span className={styles.track} aria-hidden>
                <i style={{ left: `${line.left * 100}%`, width: `max(2px, ${line.width * 100}%)` }} data-kind={line.span.kind} />
              </span>
              <span className={styles.took}>{formatSeconds(line.span.duration)}</span>
            </button>
          </li>
        ))}
      </ol>
      {trace.hidden > 0 && <p className={styles.quiet}>{trace.hidden} calls of functions that you may not read are left out.</p>}
      {span && <Facts span={span} seconds={seconds} />}
    </>
  )
}

function Facts({ span, seconds }: { span: Span; seconds: number }) {
  const ms = parseTime(span.time)
  const facts: [string, string][] = [
    ['took', `${formatSeconds(span.duration)}, ${formatPercent(seconds > 0 ? span.duration / seconds : null)} of the whole`],
    ['began', ms === null ? '–' : `${formatMillis(ms)} here, ${formatUTC(ms)}`],
    ['of', `${span.function}@${span.version}`],
    ...(span.request ? [['request', span.request] as [string, string]] : []),
    ...(span.error ? [['error', span.error] as [string, string]] : []),
    ...Object.entries(span.attributes ?? {})
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, value]) => [key, String(value)] as [string, string]),
  ]
  return (
    <section aria-label={`Span ${span.name}`} className={styles.facts}>
      <h3>{span.name}</h3>
      <dl>
        {facts.map(([key, value]) => (
          <div key={key}>
            <dt>{key}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
