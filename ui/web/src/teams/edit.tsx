import { Button } from '@mantine/core'
import { useEffect, useState } from 'react'
import { ApiError, asApiError, requestTagged, type Tagged } from '../api/http'
import { useNow } from '../live/use-live'
import { AskForm } from '../parts/ask'
import { Dialog } from '../parts/dialog'
import { Failure, Loading } from '../parts/notice'
import { Ago } from '../parts/time'
import type { Team } from '../wire.gen'
import styles from './edit.module.css'
import {
  changed,
  changes,
  consequences,
  contested,
  type Field,
  formOf,
  LABELS,
  onTop,
  QUOTA_FIELDS,
  settingsOf,
} from './settings'

interface EditProps {
  /** The path of a team or a project in the API. */
  path: string
  scope: string
  /** Whether its quotas may be set: by those who administer what it lies in. */
  quotas: boolean
  onClose: () => void
  onDone: () => void
}

/** Sets who owns a team or project, where they are reached, what is kept and, from above, what it may use. */
export function EditSettings(props: EditProps) {
  const [read, setRead] = useState<Tagged<Team> | null>(null)
  const [error, setError] = useState<ApiError | null>(null)
  const [turn, setTurn] = useState(0)
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new turn is a wish to read again
  useEffect(() => {
    const abort = new AbortController()
    requestTagged<Team>(props.path, { signal: abort.signal }).then(setRead, (failure: unknown) => {
      if (!abort.signal.aborted) setError(asApiError(failure))
    })
    return () => abort.abort()
  }, [props.path, turn])
  const again = () => {
    setError(null)
    setTurn((n) => n + 1)
  }
  return (
    <Dialog title={`Settings of ${props.scope}`} size="lg" onClose={props.onClose}>
      {error && <Failure what="The settings" error={error} retry={again} />}
      {!read && !error && <Loading what="the settings" lines={6} />}
      {read && <Fields {...props} first={read} />}
    </Dialog>
  )
}

function Fields({ first, path, scope, quotas, onClose, onDone }: EditProps & { first: Tagged<Team> }) {
  const [read, setRead] = useState(first)
  const [theirs, setTheirs] = useState<Tagged<Team> | null>(null)
  const [typed, setTyped] = useState(() => formOf(first.body.settings))
  const before = formOf(read.body.settings)
  const { settings, wrong } = settingsOf(read.body.settings, typed)
  const fields = changed(before, typed)

  const save = async () => {
    try {
      await requestTagged<Team>(path, { method: 'PUT', body: settings, ifMatch: read.tag })
    } catch (failure) {
      if (failure instanceof ApiError && failure.status === 412) setTheirs(await requestTagged<Team>(path))
      throw failure
    }
    onDone()
  }
  const takeTheirs = (now: Tagged<Team>) => {
    setTyped(onTop(before, formOf(now.body.settings), typed))
    setRead(now)
    setTheirs(null)
  }
  const told = (error: ApiError) => {
    if (error.status !== 412) return null
    if (!theirs) return 'What the other has changed is in the form now, and yours on top. Save again.'
    const now = formOf(theirs.body.settings)
    return (
      <Overtaken
        team={theirs.body}
        what={changes(before, now)}
        both={contested(before, now, typed)}
        onTake={() => takeTheirs(theirs)}
      />
    )
  }
  const field = (name: Field, more: { placeholder?: string; numeric?: boolean; focus?: boolean; most?: number } = {}) => (
    <label>
      {LABELS[name]}
      <input
        name={name}
        value={typed[name]}
        maxLength={more.most ?? 500}
        placeholder={more.placeholder}
        inputMode={more.numeric ? 'numeric' : 'text'}
        onChange={(e) => setTyped({ ...typed, [name]: e.currentTarget.value })}
        data-autofocus={more.focus || undefined}
      />
    </label>
  )
  const inherited = read.body.project ? 'that of the team' : 'the server’s'
  return (
    <AskForm
      confirm="Save"
      name="settings"
      disabled={fields.length === 0}
      wrong={wrong}
      action={save}
      told={told}
      onDone={onClose}
      onCancel={onClose}
    >
      {field('description', { focus: true })}
      {field('owners', { placeholder: 'ada, bob', most: 10_000 })}
      {field('contact', { placeholder: '#channel or address' })}
      {field('escalationPolicy', { placeholder: inherited })}
      <div className={styles.pair}>
        {field('keep', { placeholder: inherited, numeric: true })}
        {field('days', { placeholder: inherited, numeric: true })}
      </div>
      {quotas && (
        <fieldset className={styles.quotas}>
          <legend>Quotas: 0 is no bound</legend>
          <div className={styles.pair}>
            {QUOTA_FIELDS.filter((f) => f !== 'memory' || !read.body.project).map((f) => (
              <div key={f}>
                {field(f, { placeholder: read.body.project ? 'none of its own' : 'the server’s', numeric: f !== 'memory' })}
              </div>
            ))}
          </div>
        </fieldset>
      )}
      {!quotas && (
        <p className={styles.note}>
          Quotas are set by admins of {read.body.project ? `the team ${read.body.team}` : 'the whole installation'}.
        </p>
      )}
      {fields.length > 0 && !wrong && (
        <div className={styles.changes} aria-live="polite">
          <p>When you save, in {scope}:</p>
          <ul>
            {changes(before, typed).map((words) => (
              <li key={words}>{words}</li>
            ))}
          </ul>
          {consequences(fields).map((words) => (
            <p key={words}>{words}</p>
          ))}
        </div>
      )}
    </AskForm>
  )
}

interface OvertakenProps {
  team: Team
  what: string[]
  both: Field[]
  onTake: () => void
}

/** Somebody else has saved meanwhile: who, what, and a way on that keeps what was typed. */
function Overtaken({ team: t, what, both, onTake }: OvertakenProps) {
  const now = useNow()
  return (
    <div className={styles.overtaken} data-overtaken>
      <p>
        <b>{t.updatedBy || 'Somebody'}</b> has saved other settings <Ago at={t.updatedAt} now={now} />, so yours were not saved:
      </p>
      <ul>
        {what.length === 0 && <li>nothing that is on this form</li>}
        {what.map((words) => (
          <li key={words}>{words}</li>
        ))}
      </ul>
      {both.length > 0 && (
        <p>
          You have changed {both.map((f) => LABELS[f]).join(', ')} too: yours would replace {both.length === 1 ? 'it' : 'them'}.
        </p>
      )}
      <Button size="compact-sm" variant="default" onClick={onTake} data-take>
        Read theirs, keep what I typed
      </Button>
    </div>
  )
}
