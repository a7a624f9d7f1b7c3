import { useState } from 'react'
import { functionPath } from '../api/http'
import { useFetch } from '../api/use-fetch'
import { formatBytes } from '../format/number'
import { useNow } from '../live/use-live'
import { Dialog } from '../parts/dialog'
import { Failure, Loading } from '../parts/notice'
import { Ago } from '../parts/time'
import type { FileDiff, List, Version, VersionDiff } from '../wire.gen'
import styles from './history.module.css'
import { Source } from './source'

interface HistoryProps {
  name: string
  onClose: () => void
}

/** Every version with who made it, of what and why, and what changed between any two. */
export function History({ name, onClose }: HistoryProps) {
  const [cursor, setCursor] = useState('')
  const versions = useFetch<List<Version>>(functionPath(name, `versions?limit=50${cursor && `&cursor=${cursor}`}`))
  const [from, setFrom] = useState<number | null>(null)
  const [to, setTo] = useState<number | null>(null)
  const [read, setRead] = useState<number | null>(null)
  const now = useNow()
  const items = versions.data?.items ?? []
  const there = items.filter((v) => !v.removedAt)
  const newer = to ?? there[0]?.version ?? null
  const older = from ?? there.find((v) => newer !== null && v.version < newer)?.version ?? null
  const both = newer !== null && older !== null && newer !== older
  return (
    <Dialog title={`Versions of ${name}`} size="xl" onClose={onClose}>
      {versions.error && !versions.data && <Failure what="The versions" error={versions.error} retry={versions.reload} />}
      {!versions.data && !versions.error && <Loading what="versions" />}
      {versions.data && (
        <div className={styles.scroll}>
          <table className={styles.versions}>
            <thead>
              <tr>
                <th>from</th>
                <th>to</th>
                <th>version</th>
                <th>by</th>
                <th>message</th>
                <th>commit</th>
                <th>size</th>
                <th>when</th>
                <th>source</th>
              </tr>
            </thead>
            <tbody>
              {items.map((v) => (
                <tr key={v.version} data-removed={Boolean(v.removedAt)}>
                  <td>
                    <Choice name="from" version={v} chosen={v.version === older} onChoose={setFrom} />
                  </td>
                  <td>
                    <Choice name="to" version={v} chosen={v.version === newer} onChoose={setTo} />
                  </td>
                  <td>
                    @{v.version} <span className={styles.quiet}>{v.aliases.join(' ')}</span>
                  </td>
                  <td>{v.author}</td>
                  <td className={styles.message}>
                    {v.message}
                    {v.removedAt && (
                      <span className={styles.quiet}>
                        {' '}
                        source removed by retention <Ago at={v.removedAt} now={now} />
                      </span>
                    )}
                  </td>
                  <td title={v.origin?.tool}>
                    {v.origin?.commit ? <code>{v.origin.commit.slice(0, 10)}</code> : <span className={styles.quiet}>–</span>}
                    {v.origin?.dirty && <span className={styles.quiet}> and more</span>}
                  </td>
                  <td className={styles.size}>{formatBytes(v.size)}</td>
                  <td className={styles.when}>
                    <Ago at={v.createdAt} now={now} suffix="" />
                  </td>
                  <td>
                    {!v.removedAt && (
                      <button
                        type="button"
                        className={styles.more}
                        aria-label={`${v.version === read ? 'Hide' : 'Show'} the source of @${v.version}`}
                        aria-pressed={v.version === read}
                        onClick={() => setRead(v.version === read ? null : v.version)}
                      >
                        {v.version === read ? 'Hide' : 'Show'}
                      </button>
                    )}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      {(cursor || versions.data?.next) && (
        <p className={styles.pages}>
          {cursor && (
            <button type="button" className={styles.more} onClick={() => setCursor('')}>
              Newest
            </button>
          )}
          {versions.data?.next && (
            <button type="button" className={styles.more} onClick={() => setCursor(versions.data?.next ?? '')}>
              Older
            </button>
          )}
        </p>
      )}
      {read !== null && <Source name={name} version={read} />}
      {versions.data && !both && <p className={styles.quiet}>Choose two versions to see what changed from one to the other.</p>}
      {both && <Changes name={name} from={older} to={newer} />}
    </Dialog>
  )
}

interface ChoiceProps {
  name: string
  version: Version
  chosen: boolean
  onChoose: (version: number) => void
}

function Choice({ name, version, chosen, onChoose }: ChoiceProps) {
  return (
    <input
      type="radio"
      name={name}
      aria-label={`${name} @${version.version}`}
      checked={chosen}
      disabled={Boolean(version.removedAt)}
      onChange={() => onChoose(version.version)}
    />
  )
}

function Changes({ name, from, to }: { name: string; from: number; to: number }) {
  const diff = useFetch<VersionDiff>(functionPath(name, `versions/${from}/diff/${to}`))
  if (diff.error) return <Failure what="What changed" error={diff.error} retry={diff.reload} />
  if (!diff.data) return <Loading what="what changed" lines={6} />
  return (
    <section aria-label={`What changed from @${from} to @${to}`}>
      <h3 className={styles.title}>
        @{from} → @{to}
      </h3>
      {diff.data.files.length === 0 && <p className={styles.quiet}>Nothing: source and manifest are the same.</p>}
      {diff.data.files.map((f) => (
        <File key={f.path} file={f} />
      ))}
      {diff.data.cut && <p className={styles.quiet}>There is more than is shown: hadron versions diff says which files.</p>}
    </section>
  )
}

function File({ file: f }: { file: FileDiff }) {
  const lines = f.diff.trimEnd().split('\n').slice(2)
  return (
    <details open className={styles.file}>
      <summary>
        <code>{f.path}</code> <span className={styles.quiet}>{f.state}</span> <span className={styles.added}>+{f.added}</span>{' '}
        <span className={styles.removed}>−{f.removed}</span>
      </summary>
      {f.diff === '' ? (
        <p className={styles.quiet}>It is too large to be compared here.</p>
      ) : (
        <pre className={styles.diff}>
          {lines.map((line, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: lines have no other name, and never move
            <span key={i} data-sign={line[0]}>
              {line}
              {'\n'}
            </span>
          ))}
        </pre>
      )}
    </details>
  )
}
