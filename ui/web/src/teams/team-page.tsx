import { Button } from '@mantine/core'
import { type ReactNode, useState } from 'react'
import { may } from '../access/grants'
import { useSession } from '../access/use-session'
import { useFetch } from '../api/use-fetch'
import { useNow } from '../live/use-live'
import { Link } from '../parts/link'
import { Notice, Reading } from '../parts/notice'
import table from '../parts/table.module.css'
import { Ago } from '../parts/time'
import type { List, Secret, Team } from '../wire.gen'
import { EditSettings } from './edit'
import { TeamFreeze } from './freeze'
import styles from './teams.module.css'
import { TeamTable } from './teams-page'
import { QUOTAS, Use } from './use'

/** One team or project: who owns it, what it may and does use, what lies in it and the names of its secrets. */
export default function TeamPage({ name }: { name: string }) {
  const session = useSession()
  const [teamName = '', project] = name.split('/')
  const word = project ? 'project' : 'team'
  const path = project ? `/api/v1/teams/${teamName}/projects/${project}` : `/api/v1/teams/${name}`
  const team = useFetch<Team>(path, 10_000)
  const projects = useFetch<List<Team>>(project ? null : `${path}/projects?limit=200`, 10_000)
  const secrets = useFetch<List<Secret>>(`${path}/secrets?limit=200`, 30_000)
  const now = useNow()
  const [editing, setEditing] = useState(false)
  const mayQuotas = may(session, 'administer', project ? teamName : '')
  if (team.error?.status === 404) {
    return (
      <Notice title={`There is no ${word} ${name}`}>
        <Link to={project ? `/teams/${teamName}` : '/teams'}>{project ? `The team ${teamName}` : 'All teams'}</Link>
      </Notice>
    )
  }
  const t = team.data
  const settled = t !== null || team.error !== null
  return (
    <div className={table.page}>
      <p className={styles.up}>
        <Link to="/teams">Teams</Link> · {project && <Link to={`/teams/${teamName}`}>{teamName}</Link>}
        {project && ' · '}
        <Link to={`/?scope=${name}`}>Functions of the {word}</Link> ·{' '}
        <Link to={`/dashboards/${name}`}>Dashboard of the {word}</Link> ·{' '}
        <Link to={`/audit?team=${teamName}`}>Changes in the team</Link>
      </p>
      <h1>{name}</h1>
      <Reading what={`the ${word}`} of={team} now={now} lines={6} />
      {t && <About team={t} now={now} />}
      {t && may(session, 'administer', name) && (
        <p>
          <Button size="compact-xs" variant="default" onClick={() => setEditing(true)}>
            {mayQuotas ? 'Settings and quotas…' : 'Settings…'}
          </Button>
        </p>
      )}
      {t && <TeamFreeze team={teamName} project={project} may={may(session, 'administer', teamName)} now={now} />}
      {t && editing && (
        <EditSettings path={path} scope={name} quotas={mayQuotas} onClose={() => setEditing(false)} onDone={team.reload} />
      )}
      {/* What lies below waits, so that it does not move under a finger. */}
      {settled && !project && (
        <>
          <h2 className={styles.heading}>Projects</h2>
          <Reading what="the projects" of={projects} now={now} />
          {projects.data?.items.length === 0 && (
            <p className={table.quiet}>
              None yet. The first deploy to one makes it, or <code>hadron projects create {name}/NAME</code>.
            </p>
          )}
          {projects.data && projects.data.items.length > 0 && <TeamTable teams={projects.data.items} now={now} />}
          {projects.data?.next && <p className={table.quiet}>There are more: hadron projects list {name} shows them all.</p>}
        </>
      )}
      {settled && (
        <>
          <h2 className={styles.heading}>Secrets of the {word}</h2>
          <Reading what="the secrets" of={secrets} now={now} />
          {secrets.data && <SecretTable secrets={secrets.data.items} scope={name} now={now} />}
          {secrets.data?.next && <p className={table.quiet}>There are more: hadron secrets list {name} shows them all.</p>}
        </>
      )}
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
