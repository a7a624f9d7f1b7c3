import type { Fetched } from '../api/use-fetch'
import { formatShare } from '../format/number'
import { Failure, Loading } from '../parts/notice'
import { Ago } from '../parts/time'
import type { List, Version, VersionShare } from '../wire.gen'
import styles from './function-page.module.css'

const SHOWN = 8

interface VersionsProps {
  versions: Fetched<List<Version>>
  shares: readonly VersionShare[]
  now: number
  onHistory: () => void
}

/** Versions, newest first, with the share of traffic that each gets. */
export function Versions({ versions, shares, now, onHistory }: VersionsProps) {
  const share = new Map(shares.map((v) => [v.version, v.share]))
  const items = [...(versions.data?.items ?? [])].filter((v) => !v.removedAt).sort((a, b) => b.version - a.version)
  const shown = items.filter((v, i) => i < SHOWN || share.has(v.version))
  return (
    <section className={styles.block}>
      <h2>
        Versions{' '}
        <button type="button" className={styles.history} onClick={onHistory}>
          History and changes…
        </button>
      </h2>
      {versions.error && !versions.data && <Failure what="The versions" error={versions.error} retry={versions.reload} />}
      {!versions.data && !versions.error && <Loading what="versions" />}
      {versions.data && (
        <table className={styles.list}>
          <colgroup>
            <col className={styles.colVersion} />
            <col className={styles.colShare} />
            <col />
            <col className={styles.colWhen} />
          </colgroup>
          <thead className="visually-hidden">
            <tr>
              <th>version</th>
              <th>share of traffic</th>
              <th>what</th>
              <th>when</th>
            </tr>
          </thead>
          <tbody>
            {shown.map((v) => (
              <tr key={v.version} data-version={v.version} data-live={share.has(v.version)}>
                <td>@{v.version}</td>
                <td className={styles.share}>{share.has(v.version) ? formatShare(share.get(v.version)) : ''}</td>
                <td className={styles.what} title={v.message || undefined}>
                  {v.author}
                  {v.message && <span className={styles.quiet}> {v.message}</span>}
                  {v.aliases
                    .filter((a) => a !== 'live')
                    .map((a) => (
                      <span key={a} className={styles.tag}>
                        {a}
                      </span>
                    ))}
                </td>
                <td className={styles.when}>
                  <Ago at={v.createdAt} now={now} suffix="" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  )
}
