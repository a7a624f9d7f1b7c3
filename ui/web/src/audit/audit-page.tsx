import { Fragment, useState } from 'react'
import { usePages } from '../api/use-pages'
import { useNow } from '../live/use-live'
import { Link } from '../parts/link'
import { Notice, Reading } from '../parts/notice'
import { Older } from '../parts/older'
import table from '../parts/table.module.css'
import { Ago, Clock } from '../parts/time'
import { useParam } from '../router'
import type { Change } from '../wire.gen'
import styles from './audit.module.css'
import { asText, query, targetOf } from './changes'

const PAGE = 100

/** Who changed what, from where, with what was before and after; newest first. */
export default function AuditPage() {
  const [fn, setFn] = useParam('function')
  const [team, setTeam] = useParam('team')
  const [author, setAuthor] = useParam('author')
  const [kind, setKind] = useParam('kind')
  const [since, setSince] = useParam('since')
  const path = query({ function: fn, team, author, kind, since, limit: String(PAGE) })
  return (
    <div className={table.page}>
      <h1>Audit</h1>
      <div className={styles.filters}>
        <Filter label="team" value={team} onChange={setTeam} />
        <Filter label="team/project/function" value={fn} onChange={setFn} />
        <Filter label="author" value={author} onChange={setAuthor} />
        <Filter label="kind, such as deployed" value={kind} onChange={setKind} />
        <Filter label="since, such as 7d" value={since} onChange={setSince} />
      </div>
      <Changes key={path} path={path} />
    </div>
  )
}

/** Takes effect when it is left or Enter is pressed: half a name finds nothing. */
function Filter({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  return (
    <input
      key={value}
      defaultValue={value}
      placeholder={label}
      aria-label={label}
      spellCheck={false}
      onBlur={(e) => onChange(e.currentTarget.value.trim())}
      onKeyDown={(e) => {
        if (e.key === 'Enter') onChange(e.currentTarget.value.trim())
      }}
    />
  )
}

function Changes({ path }: { path: string }) {
  const pages = usePages<Change>(path, (c) => c.id)
  const { first, items } = pages
  const [open, setOpen] = useState<number | null>(null)
  const now = useNow()
  if (!first.data) return <Reading what="the audit log" of={first} now={now} lines={6} />
  if (items.length === 0) return <Notice title="No change fits">Each change of functions, tokens and teams appears here.</Notice>
  return (
    <>
      <table className={table.table}>
        <thead>
          <tr>
            <th>when</th>
            <th>who</th>
            <th>did</th>
            <th>to</th>
            <th>from</th>
            <th>message</th>
          </tr>
        </thead>
        <tbody>
          {items.map((c) => (
            <Fragment key={c.id}>
              <tr data-change={c.kind}>
                <td className={table.tight}>
                  <Clock at={c.time} now={now} />{' '}
                  <span className={table.quiet}>
                    <Ago at={c.time} now={now} />
                  </span>
                </td>
                <td className={table.tight}>{c.author}</td>
                <td className={table.tight}>
                  <button
                    type="button"
                    className={styles.open}
                    aria-expanded={open === c.id}
                    onClick={() => setOpen(open === c.id ? null : c.id)}
                  >
                    {c.did}
                  </button>
                </td>
                <td className={table.leaf}>
                  <Target of={c} />
                </td>
                <td className={table.quiet} title={c.agent}>
                  <span className={table.label}>from </span>
                  {c.address || c.origin}
                </td>
                <td className={`${table.whole} ${table.quiet}`}>{c.message}</td>
              </tr>
              {open === c.id && (
                <tr>
                  <td colSpan={6} className={table.whole}>
                    <Detail change={c} />
                  </td>
                </tr>
              )}
            </Fragment>
          ))}
        </tbody>
      </table>
      <Older pages={pages} what="Older changes" />
    </>
  )
}

function Target({ of }: { of: Change }) {
  const { text, to } = targetOf(of)
  return to ? <Link to={to}>{text}</Link> : text
}

function Detail({ change: c }: { change: Change }) {
  return (
    <>
      <p className={table.quiet}>
        Change {c.id}, of kind <Link to={`/audit?kind=${c.kind}`}>{c.kind}</Link>, by{' '}
        <Link to={`/audit?author=${encodeURIComponent(c.author)}`}>{c.author}</Link>
      </p>
      {(c.address || c.agent) && (
        <p className={table.quiet}>
          {[c.origin && `by ${c.origin}`, c.address && `from ${c.address}`, c.agent].filter(Boolean).join(' · ')}
        </p>
      )}
      <div className={styles.diff}>
        <div>
          <h3>before</h3>
          <pre>{asText(c.before)}</pre>
        </div>
        <div>
          <h3>after</h3>
          <pre>{asText(c.after)}</pre>
        </div>
      </div>
    </>
  )
}
