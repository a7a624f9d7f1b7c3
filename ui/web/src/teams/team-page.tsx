import { Button } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { useFetch } from '../api/use-fetch'
import { useNow } from '../live/use-live'
import { Link } from '../parts/link'
import { Failure, Loading, Notice } from '../parts/notice'
import table from '../parts/table.module.css'
import { Ago } from '../parts/time'
import { administersScope } from '../tokens/grants'
import type { List, Secret, Session, Team } from '../wire.gen'
import { EditTeam } from './edit'
import { TeamFreeze } from './freeze'
import styles from './teams.module.css'
import { TeamTable } from './teams-page'
import { QUOTAS, Use } from './use'

/** One team: who owns it, what it may and does use, its projects and the names of its secrets. */
export default function TeamPage({ name, session }: { name: string; session: Session }) {
  const team = useFetch<Team>(`/api/v1/teams/${name}`, 10_000)
  const projects = useFetch<List<Team>>(`/api/v1/teams/${name}/projects?limit=200`, 10_000)
  const secrets = useFetch<List<Secret>>(`/api/v1/teams/${name}/secrets?limit=200`)
  const now = useNow()
  const [editing, setEditing] = useState(false)
  const may = administersScope(session, name)
  if (team.error?.status === 404 && !team.data) {
    return (
      <Notice title={`There is no team ${name}`}>
        <Link to="/teams">All teams</Link>
      </Notice>
    )
  }
  const t = team.data
  return (
    <div className={table.page}>
      <p className={styles.up}>
        <Link to="/teams">Teams</Link> · <Link to={`/dashboards/${name}`}>Dashboard of the team</Link>
      </p>
      <h1>{name}</h1>
      {team.error && !t && <Failure what="The team" error={team.error} retry={team.reload} />}
      {!t && !team.error && <Loading what="the team" />}
      {t && <About team={t} now={now} />}
      {t && may && (
        <p>
          <Button size="compact-xs" variant="default" onClick={() => setEditing(true)}>
            Settings and quotas…
          </Button>
        </p>
      )}
      {t && <TeamFreeze team={name} may={may} now={now} />}
      {t && editing && (
        <EditTeam team={t} quotas={administersScope(session, '')} onClose={() => setEditing(false)} onDone={team.reload} />
      )}
      <h2 className={styles.heading}>Projects</h2>
      {projects.error && !projects.data && <Failure what="The projects" error={projects.error} retry={projects.reload} />}
      {projects.data?.items.length === 0 && <p className={table.quiet}>None yet.</p>}
      {projects.data && projects.data.items.length > 0 && <TeamTable teams={projects.data.items} now={now} />}
      {projects.data?.next && <p className={table.quiet}>There are more: hadron projects list {name} shows them all.</p>}
      <h2 className={styles.heading}>Secrets of the team</h2>
      {secrets.error && !secrets.data && <Failure what="The secrets" error={secrets.error} retry={secrets.reload} />}
      {secrets.data && <SecretTable secrets={secrets.data.items} scope={name} now={now} />}
    </div>
  )
}

function About({ team: t, now }: { team: Team; now: number }) {
  const own = t.settings
  const keeps =
    t.inEffect.keep === 0
      ? 'all versions'
      : `the newest ${t.inEffect.keep} versions of each function, those younger than ${t.inEffect.days} days, and what is in use`
  return (
    <dl className={styles.facts}>
      {own.description && <Fact name="about">{own.description}</Fact>}
      <Fact name="owners">{own.owners?.join(', ') || 'nobody yet'}</Fact>
      <Fact name="contact">{own.contact || '–'}</Fact>
      <Fact name="escalation">
        {t.inEffect.escalationPolicy || '–'}
        {!own.escalationPolicy && <Inherited />}
      </Fact>
      <Fact name="keeps">
        {keeps}
        {!own.retention && <Inherited />}
      </Fact>
      {QUOTAS.filter((q) => t.usage.some((u) => u.name === q.name)).map((q) => (
        <Fact key={q.name} name={q.label}>
          <Use usage={t.usage} name={q.name} label="" />
          {t.usage.find((u) => u.name === q.name)?.node && <span className={table.quiet}> on this node</span>}
        </Fact>
      ))}
      <Fact name="changed">
        <Ago at={t.updatedAt} now={now} />, {t.updatedBy}
      </Fact>
    </dl>
  )
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </>
  )
}

function Inherited() {
  return <span className={table.quiet}> inherited</span>
}

function SecretTable({ secrets, scope, now }: { secrets: readonly Secret[]; scope: string; now: number }) {
  if (secrets.length === 0) {
    return (
      <p className={table.quiet}>
        None. Set one with <code>hadron secrets set {scope} NAME</code>; values are never shown.
      </p>
    )
  }
  return (
    <table className={table.table}>
      <thead>
        <tr>
          <th>name</th>
          <th>version</th>
          <th>set</th>
        </tr>
      </thead>
      <tbody>
        {secrets.map((s) => (
          <tr key={s.name}>
            <td>
              <code>{s.name}</code>
            </td>
            <td className={table.tight}>version {s.version}</td>
            <td className={`${table.tight} ${table.quiet}`}>
              <Ago at={s.updatedAt} now={now} />, {s.updatedBy}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
