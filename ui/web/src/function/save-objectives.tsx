import { Button } from '@mantine/core'
import { useState } from 'react'
import { ApiError, functionPath, request } from '../api/http'
import { useFetch } from '../api/use-fetch'
import { Failure, Loading } from '../parts/notice'
import type { Function as Fn, Registered, SetObjectives } from '../wire.gen'
import styles from './backtest.module.css'
import { type Promised, yamlOf } from './terms'

interface SaveProps {
  name: string
  slo: Promised
  onBack: () => void
  onClose: () => void
  onSaved: () => void
}

/** Says what a version with other objectives is, asks, and makes it. */
export function SaveObjectives({ name, slo, onBack, onClose, onSaved }: SaveProps) {
  const fn = useFetch<Fn>(functionPath(name))
  const [message, setMessage] = useState('')
  const [busy, setBusy] = useState(false)
  const [error, setError] = useState<ApiError | null>(null)
  const [done, setDone] = useState<Registered | null>(null)
  const weights = (fn.data?.live?.weights ?? []).filter((w) => w.weight > 0)
  const [live] = weights.length === 1 ? weights : []

  const save = async () => {
    if (!live) return
    setBusy(true)
    setError(null)
    const body: SetObjectives = {
      version: live.version,
      slo,
      message: message.trim() || `objectives of @${live.version} changed`,
    }
    try {
      setDone(await request<Registered>(functionPath(name, 'objectives'), { method: 'POST', body }))
      onSaved()
    } catch (failure) {
      setError(failure instanceof ApiError ? failure : new ApiError(0, null, 'The answer could not be read.'))
    }
    setBusy(false)
  }

  if (done) {
    return (
      <div className={styles.body}>
        <p role="status" data-saved={done.version}>
          <b>
            @{done.version} {done.rollout ? 'is on its way to live' : 'is live'}.
          </b>{' '}
          {done.rollout ? 'Its objectives count once all calls go to it.' : 'Its objectives count from now on.'} Write them into
          hadron.yaml as well.
        </p>
        <pre>{yamlOf(slo)}</pre>
        <div className={styles.buttons}>
          <Button onClick={onClose} data-autofocus>
            Close
          </Button>
        </div>
      </div>
    )
  }
  return (
    <div className={styles.body}>
      {fn.error && !fn.data && <Failure what="The function" error={fn.error} retry={fn.reload} />}
      {!fn.data && !fn.error && <Loading what="what is live" />}
      {fn.data && !live && (
        <p role="alert">
          Live is split between versions. Finish that deployment first, then change the objectives of the version that has all
          calls.
        </p>
      )}
      {live && (
        <>
          <pre>{yamlOf(slo)}</pre>
          <dl className={styles.facts}>
            <dt>what is made</dt>
            <dd>
              A new version with the module of @{live.version}, as it is, and these objectives. It becomes live at once, or by the
              delivery that its manifest asks for.
            </dd>
            <dt>alerts</dt>
            <dd>
              Incidents of objectives that are no longer promised end, and whoever was told hears why. What was counted stays
              counted: a changed threshold counts for new calls.
            </dd>
            <dt>your repository</dt>
            <dd>hadron.yaml there stays as it is. Write them there too, or the next deployment brings the old ones back.</dd>
            <dt>undo</dt>
            <dd>Roll back to @{live.version}.</dd>
          </dl>
          <label className={styles.message}>
            Why
            <input value={message} maxLength={500} onChange={(e) => setMessage(e.currentTarget.value)} data-autofocus />
          </label>
        </>
      )}
      {error && (
        <p role="alert" className={styles.error}>
          {error.message} Nothing was changed.
        </p>
      )}
      <div className={styles.buttons}>
        <Button variant="default" onClick={onBack}>
          Back
        </Button>
        <Button onClick={save} loading={busy} disabled={!live} data-confirm="objectives">
          Make the version
        </Button>
      </div>
    </div>
  )
}
