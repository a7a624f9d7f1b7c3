import { type FormEvent, useId, useRef, useState } from 'react'
import { formatClock, formatUTC } from '../format/time'
import { between, ends, RANGES, type RangeName, shifted, zoomed } from './span'
import styles from './time-range.module.css'
import type { Shown } from './use-span'

/** Which time the charts show, and every way to another: the last while, earlier, later, nearer, further, or from and to. */
export function TimeRange({ shown: { span, show, goLive } }: { shown: Shown }) {
  const [choosing, setChoosing] = useState(false)
  const opener = useRef<HTMLButtonElement>(null)
  const now = () => Date.now() / 1000
  return (
    <div className={styles.ranges} role="group" aria-label="Time range">
      {span.live === null && (
        <>
          <b className={styles.past} aria-live="polite" data-span={`${span.from}-${span.to}`}>
            <Between from={span.from} to={span.to} />
          </b>
          <button
            type="button"
            className={styles.live}
            onClick={goLive}
            title="Show the last while again (double click on a chart)"
          >
            ● Live
          </button>
        </>
      )}
      <span className={styles.group}>
        <button type="button" aria-label="Earlier" title="Earlier" onClick={() => show(shifted(span, -0.5, now()))}>
          ‹
        </button>
        <button
          type="button"
          aria-label="Later"
          title="Later"
          disabled={span.live !== null}
          onClick={() => show(shifted(span, 0.5, now()))}
        >
          ›
        </button>
        <button
          type="button"
          aria-label="Nearer"
          title="Nearer: draw over a chart"
          onClick={() => show(zoomed(span, 0.5, now()))}
        >
          +
        </button>
        <button type="button" aria-label="Further" title="Further" onClick={() => show(zoomed(span, 2, now()))}>
          −
        </button>
        <button ref={opener} type="button" aria-expanded={choosing} onClick={() => setChoosing(!choosing)}>
          from…
        </button>
      </span>
      <span className={styles.group}>
        <span>last</span>
        {(Object.keys(RANGES) as RangeName[]).map((r) => (
          <button key={r} type="button" aria-pressed={r === span.live} onClick={() => show({ live: r })}>
            {r}
          </button>
        ))}
      </span>
      {choosing && (
        <Choose
          {...ends(span, now())}
          onChoose={(from, to) => show(between(from, to))}
          onClose={() => {
            setChoosing(false)
            opener.current?.focus()
          }}
        />
      )}
    </div>
  )
}

function Between({ from, to }: { from: number; to: number }) {
  const now = Date.now()
  const same = new Date(from * 1000).toDateString() === new Date(to * 1000).toDateString()
  const seconds = to - from < 600
  return (
    <time title={`${formatUTC(from * 1000)} – ${formatUTC(to * 1000)}`}>
      {formatClock(from * 1000, now, seconds)} – {formatClock(to * 1000, same ? to * 1000 : now, seconds)}
    </time>
  )
}

interface ChooseProps {
  from: number
  to: number
  onChoose: (from: number, to: number) => void
  onClose: () => void
}

/** A form for a time that is known: both ends on the viewer's clock. */
function Choose({ from, to, onChoose, onClose }: ChooseProps) {
  const [start, setStart] = useState(() => local(from))
  const [end, setEnd] = useState(() => local(to))
  const id = useId()
  const a = Date.parse(start) / 1000
  const b = Date.parse(end) / 1000
  const wrong = Number.isNaN(a) || Number.isNaN(b) ? 'Give both times.' : a >= b ? 'The first must be before the second.' : ''
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (wrong) return
    onChoose(a, b)
    onClose()
  }
  return (
    <form
      className={styles.choose}
      onSubmit={submit}
      onKeyDown={(e) => e.key === 'Escape' && onClose()}
      aria-label="Choose a time"
    >
      <label>
        from
        <input
          type="datetime-local"
          step={1}
          // biome-ignore lint/a11y/noAutofocus: it was just asked for
          autoFocus
          value={start}
          onChange={(e) => setStart(e.currentTarget.value)}
        />
      </label>
      <label>
        to
        <input type="datetime-local" step={1} value={end} aria-describedby={id} onChange={(e) => setEnd(e.currentTarget.value)} />
      </label>
      <span id={id} role="status">
        {wrong || (
          <small>
            {formatUTC(a * 1000)} – {formatUTC(b * 1000)}
          </small>
        )}
      </span>
      <button type="submit" disabled={wrong !== ''}>
        Show
      </button>
    </form>
  )
}

/** A moment as datetime-local takes it: on the viewer's clock, without a zone. */
function local(seconds: number): string {
  const date = new Date(Math.round(seconds) * 1000)
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19)
}
