import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { functionPath, requestLines } from '../api/http'
import { useFetch } from '../api/use-fetch'
import { formatClock, formatMillis, formatUTC, parseTime } from '../format/time'
import { useSettled } from '../overview/use-settled'
import { Failure, Loading, Notice } from '../parts/notice'
import type { LogRecord } from '../wire.gen'
import { LogBar, useLogFilter } from './log-bar'
import { Line, useAnchor } from './log-tail'
import styles from './log-tail.module.css'
import { filterLogs, type Search, searchQuery } from './logs'
import { between } from './span'
import type { Shown } from './use-span'

const FIRST = 500 // lines that are asked for at first, then twice as many, until MOST
const MOST = 4000
const SOME = 100 // lines that fit: with fewer, older ones are asked for unbidden

interface LogSearchProps {
  name: string
  from: number // Unix seconds
  to: number
  shown: Shown
}

/** What the function logged in a part of the past, the newest lines first asked for, older ones on demand. */
export function LogSearch({ name, from, to, shown }: LogSearchProps) {
  const filter = useLogFilter()
  const text = useSettled(filter.text)
  const about = `${name} ${from} ${to} ${filter.level} ${text}`
  const [more, setMore] = useState({ about, limit: FIRST })
  const limit = more.about === about ? more.limit : FIRST
  const search: Search = { from, to, level: filter.level, text, limit }
  const fetched = useFetch<LogRecord[]>(functionPath(name, `logs?${searchQuery(search)}`), 0, requestLines)
  const full = fetched.data !== null && fetched.data.length >= limit
  // While older lines are on their way, those that are known stay.
  const known = useRef<{ about: string; records: LogRecord[] } | null>(null)
  if (fetched.data) known.current = { about, records: fetched.data }
  const records = known.current?.about === about ? known.current.records : null
  const lines = useMemo(
    () =>
      records &&
      filterLogs(
        records.map((record, i) => ({ key: String(records.length - i), record })),
        filter.level,
        text,
        MOST,
      ),
    [records, filter.level, text],
  )
  const box = useRef<HTMLDivElement>(null)
  useAnchor(box)
  useKeptEnd(box, lines, about)

  // Words that the server does not sift by may fit in older lines only.
  const few = full && lines !== null && lines.length < SOME && limit < MOST
  useEffect(() => {
    if (few) setMore({ about, limit: limit * 2 })
  }, [few, about, limit])

  const busy = !fetched.data && !fetched.error
  const oldest = parseTime(records?.[0]?.time)
  return (
    <section className={styles.logs} aria-labelledby="logs-title">
      <LogBar filter={filter}>
        <span className={styles.then}>
          <time title={`${formatUTC(from * 1000)} – ${formatUTC(to * 1000)}`}>
            {formatClock(from * 1000, Date.now(), true)} – {formatClock(to * 1000, Date.now(), true)}
          </time>
          {lines && `, ${lines.length === 1 ? 'one line' : `${lines.length}${full ? ' and more' : ''} lines`}`}
        </span>
        <button type="button" onClick={shown.goLive} title="Follow the log again, and show the last while">
          ● Live
        </button>
      </LogBar>
      <div
        ref={box}
        className={`${styles.box} live-data`}
        role="region"
        aria-label="Lines of the log"
        aria-busy={busy}
        data-searched={records ? `${from}-${to}` : undefined}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
      >
        {lines && full && oldest !== null && (
          <div className={styles.older}>
            {limit < MOST ? (
              <button type="button" disabled={busy} onClick={() => setMore({ about, limit: limit * 2 })}>
                Older lines
              </button>
            ) : (
              <button type="button" onClick={() => shown.show(between(from, Math.ceil(oldest / 1000)))}>
                {MOST} lines were read; show the time before {formatMillis(oldest)}
              </button>
            )}
          </div>
        )}
        {lines?.map((line) => (
          <Line key={line.key} line={line} />
        ))}
        {fetched.error && <Failure what="The logs of this time" error={fetched.error} retry={fetched.reload} />}
        {!lines && busy && <Loading what="logs" />}
        {lines?.length === 0 && !fetched.error && (
          <Notice title={text || filter.level !== 'debug' ? 'No line fits in this time' : 'Nothing was logged in this time'}>
            {full ? 'Older lines may.' : 'Lines are kept for a week, or until newer ones need their place.'}
          </Notice>
        )}
      </div>
    </section>
  )
}

/** Begins at the end; when older lines come before those in view, these stay where they are. */
function useKeptEnd(box: { current: HTMLDivElement | null }, lines: readonly unknown[] | null, about: string) {
  const last = useRef({ about: '', fromEnd: 0 })
  useLayoutEffect(() => {
    const el = box.current
    if (!el || !lines) return
    el.scrollTop = el.scrollHeight - (last.current.about === about ? last.current.fromEnd : 0)
    last.current.about = about
  }, [box, lines, about])
  useEffect(() => {
    const el = box.current
    if (!el) return
    const note = () => {
      last.current.fromEnd = el.scrollHeight - el.scrollTop
    }
    note()
    el.addEventListener('scroll', note, { passive: true })
    return () => el.removeEventListener('scroll', note)
  }, [box])
}
