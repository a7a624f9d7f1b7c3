import { type RefObject, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react'
import { formatMillis, formatUTC, parseTime } from '../format/time'
import { logsTopic } from '../live/topics'
import { useTopic } from '../live/use-live'
import { Loading, Notice } from '../parts/notice'
import { LogBar, useLogFilter } from './log-bar'
import styles from './log-tail.module.css'
import { fieldsText, filterLogs, type LogLine, stackText } from './logs'

const SHOWN = 400

/** The function's log as it is written; it can be filtered, and held still to be read. */
export function LogTail({ name }: { name: string }) {
  const spec = useMemo(() => logsTopic(name), [name])
  const topic = useTopic(spec)
  const filter = useLogFilter()
  const { level, text } = filter
  const [held, setHeld] = useState<LogLine[] | null>(null)
  const box = useRef<HTMLDivElement>(null)
  const atEnd = useRef(true)

  const all = useMemo(() => [...topic.items].map(([key, record]) => ({ key, record })), [topic.items])
  const lines = useMemo(() => filterLogs(held ?? all, level, text, SHOWN), [held, all, level, text])
  const waiting = useMemo(() => {
    if (!held) return 0
    const last = held[held.length - 1]?.key
    const from = all.findIndex((line) => line.key === last)
    return filterLogs(all.slice(from + 1), level, text, SHOWN).length
  }, [held, all, level, text])

  // biome-ignore lint/correctness/useExhaustiveDependencies: new lines scroll the box, where it stood at its end
  useLayoutEffect(() => {
    if (box.current && atEnd.current) box.current.scrollTop = box.current.scrollHeight
  }, [lines])
  useEffect(() => {
    if (!held) atEnd.current = true
  }, [held])
  useAnchor(box)

  return (
    <section className={styles.logs} aria-labelledby="logs-title">
      <LogBar filter={filter}>
        <button type="button" aria-pressed={held !== null} onClick={() => setHeld(held ? null : all)}>
          {held ? `Resume${waiting > 0 ? ` · ${waiting === SHOWN ? `${SHOWN}+` : waiting} new` : ''}` : 'Pause'}
        </button>
      </LogBar>
      <div
        ref={box}
        className={`${styles.box} live-data`}
        role="log"
        aria-live="off"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by keyboard
        tabIndex={0}
        onScroll={(e) => {
          const el = e.currentTarget
          atEnd.current = el.scrollHeight - el.scrollTop - el.clientHeight < 24
        }}
      >
        {lines.map((line) => (
          <Line key={line.key} line={line} />
        ))}
        {lines.length === 0 && topic.error && (
          <Notice title="The logs could not be read" tone="bad">
            {topic.error.detail}
          </Notice>
        )}
        {lines.length === 0 && !topic.error && topic.syncing && <Loading what="logs" />}
        {lines.length === 0 && !topic.error && !topic.syncing && (
          <Notice title={all.length > 0 ? 'No line fits' : 'Nothing logged yet'}>
            {all.length > 0 ? 'Other levels or words may.' : 'What the function writes with console appears here at once.'}
          </Notice>
        )}
      </div>
    </section>
  )
}

/** The page is drawn after its address was read, so #logs is followed here. */
export function useAnchor(box: RefObject<HTMLElement | null>) {
  useEffect(() => {
    if (window.location.hash === '#logs') box.current?.scrollIntoView({ block: 'center' })
  }, [box])
}

/** One line of a log, with its fields and its stack. */
export function Line({ line }: { line: LogLine }) {
  const { record } = line
  const ms = parseTime(record.time)
  const fields = fieldsText(record)
  const stack = stackText(record)
  return (
    <div className={styles.line} data-level={record.level}>
      <time title={ms === null ? undefined : formatUTC(ms)}>{ms === null ? '' : formatMillis(ms)}</time>
      <span className={styles.level}>{record.level}</span>
      <span className={styles.version}>{record.version ? `@${record.version}` : ''}</span>
      <span className={styles.message}>
        {record.message}
        {fields && <span className={styles.fields}> {fields}</span>}
        {record.request && <span className={styles.request}> {record.request}</span>}
        {stack && `\n${stack}`}
      </span>
    </div>
  )
}
