import { Button, NativeSelect } from '@mantine/core'
import { useState } from 'react'
import { functionPath, request } from '../api/http'
import { useFetch } from '../api/use-fetch'
import { useNow } from '../live/use-live'
import { AskForm } from '../parts/ask'
import { Dialog } from '../parts/dialog'
import { Failure, Loading } from '../parts/notice'
import { Ago } from '../parts/time'
import type { Alias, Deployment, List, Version, VersionShare } from '../wire.gen'
import { previousVersions } from './previous'
import styles from './rollback.module.css'

interface RollbackProps {
  name: string
  current: Pick<VersionShare, 'version'>[]
  onClose: () => void
}

/** Asks before it rolls back, and says what will happen. */
export function Rollback({ name, current, onClose }: RollbackProps) {
  const versions = useFetch<List<Version>>(functionPath(name, 'versions'))
  const history = useFetch<List<Deployment>>(functionPath(name, 'deployments'))
  const [chosen, setChosen] = useState<number | null>(null)
  const [done, setDone] = useState<number | null>(null)
  const now = useNow()

  const live = new Set(current.length === 1 ? current.map((v) => v.version) : [])
  const others = (versions.data?.items ?? [])
    .filter((v) => !v.removedAt && !live.has(v.version))
    .sort((a, b) => b.version - a.version)
  const before = previousVersions(history.data?.items ?? []).get(name)
  const newestLive = Math.max(0, ...current.map((v) => v.version))
  const fallback = others.find((v) => v.version === before) ?? others.find((v) => v.version < newestLive) ?? others[0]
  const target = others.find((v) => v.version === chosen) ?? fallback
  const from = current.map((v) => `@${v.version}`).join(' and ')
  const loading = !versions.data || !(history.data || history.error)

  const run = async () => {
    if (!target) return
    await request<Alias>(functionPath(name, 'rollback'), { method: 'POST', body: { version: target.version } })
    setDone(target.version)
  }

  return (
    <Dialog title={`Roll back ${name}`} onClose={onClose}>
      {versions.error && <Failure what="The versions" error={versions.error} retry={versions.reload} />}
      {!versions.error && loading && <Loading what="versions" />}
      {done !== null && (
        <div className={styles.body}>
          <p role="status">
            <b>@{done} is live.</b> All new requests go to it. {from} is kept.
          </p>
          <Button onClick={onClose} ref={(button) => button?.focus()}>
            Close
          </Button>
        </div>
      )}
      {!loading && done === null && !target && (
        <div className={styles.body}>
          <p>There is no other version to go back to.</p>
        </div>
      )}
      {!loading && done === null && target && (
        <AskForm
          confirm={`Roll back to @${target.version}`}
          name="rollback"
          danger
          action={run}
          onDone={() => {}}
          onCancel={onClose}
        >
          <NativeSelect
            label="Go back to"
            value={String(target.version)}
            onChange={(event) => setChosen(Number(event.currentTarget.value))}
            data={others.map((v) => ({ value: String(v.version), label: `@${v.version}${v.message ? `  ${v.message}` : ''}` }))}
          />
          <dl>
            <dt>version</dt>
            <dd>
              @{target.version} by {target.author}, <Ago at={target.createdAt} now={now} />
              {target.message && <>, “{target.message}”</>}
            </dd>
            <dt>what happens</dt>
            <dd>
              All new requests go to @{target.version} instead of {from}, at once. Requests under way end on the version they
              began with.
            </dd>
            <dt>undo</dt>
            <dd>{from} stays; roll back to it the same way.</dd>
          </dl>
        </AskForm>
      )}
    </Dialog>
  )
}
