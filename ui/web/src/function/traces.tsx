import { useState } from 'react'
import { functionPath } from '../api/http'
import { useFetch } from '../api/use-fetch'
import { formatSeconds } from '../format/number'
import { Failure, Loading } from '../parts/notice'
import { Ago } from '../parts/time'
import type { List, Span, Trace, TraceDetail } from '../wire.gen'
import page from './function-page.module.css'
import { bars } from './spans'
import styles from './traces.module.css'

/** The last calls whose trace is kept; each opens as a waterfall of its spans. */
export function Traces({ name, now }: { name: string; now: number }) {
  const traces = useFetch<List<Trace>>(functionPath(name, 'traces?limit=8'), 10_000)
  return (
    <section className={page.block}>
      <h2>Traces</h2>
      {traces.error && !traces.data && <Failure what="The traces" error={traces.error} retry={traces.reload} />}
      {!traces.data && !traces.error && <Loading what="traces" />}
      {traces.data?.items.length === 0 && <p className={page.none}>None kept: no call was sampled, failed or slow.</p>}
      {traces.data?.items.map((t) => (
        <One key={t.span} name={name} trace={t} now={now} />
      ))}
    </section>
  )
}

function One({ name, trace, now }: { name: string; trace: Trace; now: number }) {
  const [open, setOpen] = useState(false)
  return (
    <details className={page.error} onToggle={(e) => setOpen(e.currentTarget.open)}>
      <summary>
        <span className={page.errorCount}>{formatSeconds(trace.duration)}</span>
        <span className={page.errorMessage}>
          {trace.method} {trace.path}
        </span>
        <span className={page.errorPlace}>
          {trace.error ? trace.code : trace.status || '–'}
          <span className={page.quiet}>
            {' '}
            {trace.why === 'slow' && 'slow · '}@{trace.version} · <Ago at={trace.time} now={now} />
          </span>
        </span>
      </summary>
      {open && <Waterfall name={name} id={trace.id} />}
    </details>
  )
}

function Waterfall({ name, id }: { name: string; id: string }) {
  const detail = useFetch<TraceDetail>(functionPath(name, `traces/${id}`))
  if (detail.error && !detail.data) return <Failure what="The trace" error={detail.error} retry={detail.reload} />
  if (!detail.data) return <Loading what="spans" />
  return (
    <div className={styles.spans}>
      {bars(detail.data.spans).map(({ span, depth, from, width }) => (
        <div key={span.id} className={styles.span} title={span.error || undefined}>
          <span className={styles.name} style={{ paddingLeft: Math.min(depth, 6) * 8 }}>
            {span.name}
          </span>
          <span className={styles.track} aria-hidden="true">
            <span
              className={span.error ? styles.wrong : styles.bar}
              style={{ marginLeft: `${from * 100}%`, width: `${width * 100}%` }}
            />
          </span>
          <span className={styles.took}>
            {span.error && <b>failed </b>}
            {formatSeconds(span.duration)}
          </span>
        </div>
      ))}
      <p className={page.quiet}>
        {detail.data.hidden > 0 && `${detail.data.hidden} calls of functions that you may not read · `}
        trace {id}
        {request(detail.data.spans, name)}
      </p>
    </div>
  )
}

function request(spans: readonly Span[], name: string): string {
  const own = spans.find((s) => s.function === name)
  return own ? ` · request ${own.request}` : ''
}
