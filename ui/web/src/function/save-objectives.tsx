import { Button } from '@mantine/core'
import { useState } from 'react'
import { functionPath, request } from '../api/http'
import { useFetch } from '../api/use-fetch'
import { AskForm } from '../parts/ask'
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
  const [done, setDone] = useState<Registered | null>(null)
  const weights = (fn.data?.live?.weights ?? []).filter((w) => w.weight > 0)
  const [live] = weights.length === 1 ? weights : []

  const save = async () => {
    if (!live) return
    const body: SetObjectives = {
      version: live.version,
      slo,
      message: message.trim() || `objectives of @${live.version} changed`,
    }
    setDone(await request<Registered>(functionPath(name, 'objectives'), { method: 'POST', body }))
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
        <pre className={styles.yaml}>{yamlOf(slo)}</pre>
        <div className={styles.buttons}>
          <Button onClick={onClose} data-autofocus>
            Close
          </Button>
        </div>
      </div>
    )
  }
  return (
    <AskForm
      confirm="Make the version"
      name="objectives"
      cancel="Back"
      disabled={!live}
      action={save}
      onDone={onSaved}
      onCancel={onBack}
    >
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
          <pre className={styles.yaml}>{yamlOf(slo)}</pre>
          <dl>
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
          <label>
            Why
            <input value={message} maxLength={500} onChange={(e) => setMessage(e.currentTarget.value)} data-autofocus />
          </label>
        </>
      )}
    </AskForm>
  )
}
