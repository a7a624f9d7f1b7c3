import { formatNumber } from '../format/number'
import { parseTime } from '../format/time'
import { Loading } from '../parts/notice'
import { Ago } from '../parts/time'
import type { ErrorGroup, Frame } from '../wire.gen'
import styles from './function-page.module.css'

interface ErrorGroupsProps {
  groups: readonly ErrorGroup[] | null // null: not known yet
  past: { from: number; to: number } | null // Unix seconds; only those that may have been seen then
  now: number
}

/** Errors that share a stack, each with the author's own file and line. */
export function ErrorGroups({ groups: all, past, now }: ErrorGroupsProps) {
  const groups = all && past ? all.filter((g) => seenWithin(g, past)) : all
  return (
    <section className={styles.block}>
      <h2>Errors</h2>
      {!groups && <Loading what="errors" />}
      {groups?.length === 0 && <p className={styles.none}>{past && all?.length ? 'None of this time.' : 'None.'}</p>}
      {past && groups && groups.length > 0 && <p className={styles.none}>Seen around this time; counts are of all time.</p>}
      {groups?.map((g) => (
        <details key={g.fingerprint} className={styles.error}>
          <summary>
            <span className={styles.errorCount}>{formatNumber(g.count)}</span>
            <span className={styles.errorMessage}>
              {g.new && <strong>new since @{g.since} · </strong>}
              {g.message || g.code}
            </span>
            <span className={styles.errorPlace}>
              {place(g.stack[0]) ?? g.code}
              <span className={styles.quiet}>
                {' '}
                {g.versions.map((v) => `@${v}`).join(' ')} · <Ago at={g.lastSeen} now={now} />
              </span>
            </span>
          </summary>
          <div className={styles.stack}>
            {g.stack.map((f, i) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a stack's order is its identity
              <div key={i}>
                {f.function ? `at ${f.function} ` : 'at '}
                <span className={styles.quiet}>{place(f)}</span>
              </div>
            ))}
            <div className={styles.quiet}>
              {g.code} · first <Ago at={g.firstSeen} now={now} />
              {g.request && <> · request {g.request}</>}
            </div>
          </div>
        </details>
      ))}
    </section>
  )
}

function place(frame: Frame | undefined): string | null {
  return frame ? `${frame.file}:${frame.line}` : null
}

/** Whether a group was first seen before the end of a time, and last after its start. */
function seenWithin(g: ErrorGroup, { from, to }: { from: number; to: number }): boolean {
  return (parseTime(g.firstSeen) ?? 0) <= to * 1000 && (parseTime(g.lastSeen) ?? 0) >= from * 1000
}
