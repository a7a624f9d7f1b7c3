import { Button } from '@mantine/core'
import { type ReactNode, useEffect, useMemo, useState } from 'react'
import { may } from '../access/grants'
import { useSession } from '../access/use-session'
import { Incidents } from '../alerts/incidents'
import { orderAlerts } from '../alerts/order'
import { functionPath } from '../api/http'
import { useFetch } from '../api/use-fetch'
import { merged, underWay } from '../deployments/rollout'
import rollouts from '../deployments/rollout.module.css'
import { Frozen, RolloutPanel } from '../deployments/rollout-panel'
import { formatBudget, formatNumber, formatPercent, formatSeconds } from '../format/number'
import { parseTime } from '../format/time'
import { alertsOf, deploymentsOf, functionTopic } from '../live/topics'
import { useNow, useTopic } from '../live/use-live'
import { Link } from '../parts/link'
import { BudgetBar } from '../parts/measure'
import { Failure, Notice } from '../parts/notice'
import { State, stateName } from '../parts/state'
import { Ago } from '../parts/time'
import type {
  Alert,
  DashboardModel,
  DashboardPanel,
  Deployment,
  Function as Fn,
  Freeze,
  Health,
  Incident,
  List,
  Operability,
  Rollout,
  Version,
} from '../wire.gen'
import { Charts, isChart } from './charts'
import { ErrorGroups } from './error-groups'
import styles from './function-page.module.css'
import { History } from './history'
import { LogSearch } from './log-search'
import { LogTail } from './log-tail'
import { type Mark, marksOf } from './marks'
import { isShare } from './model'
import { Operable } from './operable'
import { Profile } from './profile'
import { Rollback } from './rollback'
import type { Span } from './span'
import { Stat } from './stat'
import { TimeRange } from './time-range'
import { Traces } from './traces'
import { TryIt } from './try-it'
import { useSpan } from './use-span'
import { Versions } from './versions'

/** Rows of charts above the logs; the rest of the dashboard follows below them. */
const ROWS_ABOVE = 2

/** The numbers of a function's head are those of now, whatever the charts show. */
const NOW: Span = { live: '15m' }

/** How long a deployment that did not complete is told, in milliseconds. */
const TOLD_MS = 3_600_000

/** One function: how it is and since when, what changed, what it does now, and what can be done. */
export default function FunctionPage({ name }: { name: string }) {
  const spec = useMemo(() => functionTopic(name), [name])
  const topic = useTopic(spec)
  const recent = useTopic(useMemo(() => deploymentsOf(name), [name]))
  const allAlerts = useTopic(useMemo(() => alertsOf(name), [name]))
  const fn = useFetch<Fn>(functionPath(name), 30_000)
  const versions = useFetch<List<Version>>(functionPath(name, 'versions'))
  const operability = useFetch<Operability>(functionPath(name, 'operability'), 15_000)
  const dashboard = useFetch<DashboardModel>(functionPath(name, 'dashboard'))
  const freeze = useFetch<Freeze>(`/api/v1/teams/${name.split('/')[0]}/freeze`, 15_000)
  const begun = useFetch<List<Deployment>>(functionPath(name, 'deployments?active=true'), 30_000)
  const now = useNow()
  const session = useSession()
  const shown = useSpan('15m')
  const [dialog, setDialog] = useState<'rollback' | 'try' | 'history' | 'profile' | null>(null)

  const point = topic.items.get(name) ?? null
  const health = point?.health ?? null
  const history = useMemo(() => ofFunction(recent.items.values(), name), [recent.items, name])
  const active = useMemo(() => underWay(merged(begun.data?.items ?? [], recent.items), name), [begun.data, recent.items, name])
  // What came to no good end is told a while longer, so that a rollback does not just vanish; not when something newer is live.
  const last = history.find((d) => d.rollout || d.kind === 'deployed')?.rollout
  const told = active.length === 0 && last && lately(last, now) ? [last] : active
  const firing = useMemo(
    () =>
      orderAlerts(
        [...allAlerts.items.values()].filter((a) => a.function === name && a.state !== 'inactive'),
        '',
      ),
    [allAlerts.items, name],
  )
  const newest = history[0]?.id
  const marks = useMarks(name, history, firing)
  const { reload } = versions
  const { reload: redraw } = dashboard
  // A new deployment means that versions changed, and with its manifest the dashboard.
  useEffect(() => {
    if (newest === undefined) return
    reload()
    redraw()
  }, [newest, reload, redraw])

  if (fn.error?.status === 404 && !fn.data) {
    return (
      <Notice title={`There is no function ${name}`}>
        <p>It was deleted, or its name is another.</p>
        <Link to="/">All functions</Link>
      </Notice>
    )
  }
  if (fn.error && !fn.data && !health) return <Failure what="The function" error={fn.error} retry={fn.reload} />

  const cut = name.lastIndexOf('/') + 1
  const model = dashboard.data
  const rows = model?.rows.filter((row) => row.panels.some(isChart)) ?? []
  const summary = model?.rows.filter((row) => !row.panels.some(isChart)).flatMap((row) => row.panels) ?? []
  const drawing = { interval: model?.interval ?? 0, shown, marks }
  const past = shown.span.live === null ? { from: shown.span.from, to: shown.span.to } : null
  const many = (versions.data?.items.length ?? 0) > 1
  return (
    <div className={styles.page}>
      <header className={styles.header}>
        <div className={styles.heading}>
          <h1>
            <span>{name.slice(0, cut)}</span>
            {name.slice(cut)}
          </h1>
          {health ? <Sentence health={health} now={now} /> : <p className={styles.sentence}>Waiting for its health…</p>}
          {fn.data && <Details fn={fn.data} operability={operability.data} />}
        </div>
        <div className={styles.actions}>
          {may(session, 'deploy', name) && (
            <Button
              size="xs"
              variant="default"
              onClick={() => setDialog('rollback')}
              disabled={!many || !health}
              title={versions.data && !many ? 'There is no other version yet' : undefined}
            >
              Roll back…
            </Button>
          )}
          {may(session, 'read_source', name) && (
            <Button size="xs" variant="default" onClick={() => setDialog('profile')}>
              Profile
            </Button>
          )}
          {may(session, 'invoke', name) && (
            <Button size="xs" variant="default" onClick={() => setDialog('try')}>
              Try it
            </Button>
          )}
        </div>
      </header>
      <div className={styles.incidents}>
        <Incidents name={name} now={now} />
      </div>
      {told.length === 0 && freeze.data?.frozen && (
        <div className={rollouts.own}>
          <Frozen freeze={freeze.data} now={now} />
        </div>
      )}
      {told.length > 0 && (
        <section className={`${rollouts.own} ${rollouts.under} live-data`} aria-label="Deployment">
          {told.map((r) => (
            <RolloutPanel key={r.id} rollout={r} now={now} />
          ))}
        </section>
      )}
      {health && <Numbers health={health} stats={summary.filter((p) => !isLive(p))} interval={drawing.interval} />}
      <div className={styles.columns}>
        <section className={`${styles.charts} live-data`} aria-label="Charts">
          <TimeRange shown={shown} />
          {dashboard.error && !model && <Failure what="The charts" error={dashboard.error} retry={dashboard.reload} />}
          <Charts rows={rows.slice(0, ROWS_ABOVE)} {...drawing} />
        </section>
        <aside className={`${styles.side} live-data`}>
          <Versions versions={versions} shares={health?.versions ?? []} now={now} onHistory={() => setDialog('history')} />
          <ErrorGroups groups={point?.errors ?? null} past={past} now={now} />
          <Operable name={name} operability={operability} alerts={firing} runbook={fn.data?.spec.runbook} now={now} />
        </aside>
      </div>
      {past ? <LogSearch name={name} {...past} shown={shown} /> : <LogTail name={name} />}
      <Traces name={name} past={past} />
      <section className={`${styles.charts} ${styles.below} live-data`} aria-label="More charts">
        <Charts rows={rows.slice(ROWS_ABOVE)} {...drawing} />
      </section>
      {dialog === 'rollback' && health && <Rollback name={name} current={health.versions} onClose={() => setDialog(null)} />}
      {dialog === 'history' && <History name={name} onClose={() => setDialog(null)} />}
      {dialog === 'profile' && <Profile name={name} onClose={() => setDialog(null)} />}
      {dialog === 'try' && <TryIt name={name} onClose={() => setDialog(null)} />}
    </div>
  )
}

/** The state in one sentence: what, since when, and the version that it began with. */
function Sentence({ health, now }: { health: Health; now: number }) {
  const state = stateName(health.state)
  return (
    <p className={`${styles.sentence} live-data`}>
      <State state={state} />{' '}
      <span className={styles.since}>
        for <Ago at={health.since} now={now} suffix="" />
      </span>
      <span className={styles.why}>{health.reason}</span>
    </p>
  )
}

function Details({ fn, operability }: { fn: Fn; operability: Operability | null }) {
  const dashboard = operability?.dashboard
  const pager = operability?.pagerduty
  return (
    <p className={styles.details}>
      {fn.spec.description && <span>{fn.spec.description}</span>}
      {fn.spec.owner && <span>owner {fn.spec.owner}</span>}
      <code>{fn.url}</code>
      {isWeb(dashboard?.url) && <Out to={dashboard.url}>Dashboard</Out>}
      {isWeb(pager?.url) && <Out to={pager.url}>PagerDuty</Out>}
      {isWeb(fn.spec.runbook) && <Out to={fn.spec.runbook}>Runbook</Out>}
    </p>
  )
}

function Out({ to, children }: { to: string; children: string }) {
  return (
    <a href={to} target="_blank" rel="noreferrer noopener" className={styles.out}>
      {children} <span aria-hidden>↗</span>
    </a>
  )
}

/** Only addresses of the web become links: a manifest is its author's text. */
function isWeb(url: string | undefined): url is string {
  return url !== undefined && /^https?:\/\//.test(url)
}

/**
 * Stats that live health shows each second; ids of panels are stable. What is left of a budget is recorded every
 * five minutes, and would say 100 % beside a function that has just begun to fail.
 */
function isLive(panel: DashboardPanel): boolean {
  return isShare(panel) || panel.id === 7 || panel.id === 2 || panel.id === 3 || (panel.id === 4 && panel.title === 'p99')
}

interface NumbersProps {
  health: Health
  stats: readonly DashboardPanel[]
  interval: number
}

/** What is known each second, then what the dashboard's first row adds to it. */
function Numbers({ health: h, stats, interval }: NumbersProps) {
  const allowed = 1 - h.availability
  const late = Boolean(h.latencyTarget && h.p99 !== null && h.p99 > h.latencyTarget)
  return (
    <dl className={`${styles.numbers} live-data`} data-state={stateName(h.state)}>
      <Fact label="requests" value={`${formatNumber(h.rate)}/s`} />
      <Fact
        label="errors"
        value={formatPercent(h.errorRatio)}
        note={`${formatPercent(allowed)} allowed`}
        bad={h.errorRatio !== null && h.errorRatio > allowed}
      />
      <Fact label="p50" value={formatSeconds(h.p50)} />
      <Fact
        label="p99"
        value={formatSeconds(h.p99)}
        note={h.latencyTarget ? `objective ${formatSeconds(h.latencyTarget)}` : ''}
        bad={late}
      />
      <Fact label="in flight" value={formatNumber(h.inFlight)} />
      <Fact label="budget left" value={formatBudget(h.budgetLeft)} bad={h.budgetLeft !== null && h.budgetLeft <= 0}>
        <BudgetBar left={h.budgetLeft} />
      </Fact>
      {stats.map((panel) => (
        <Stat key={panel.id} panel={panel} interval={interval} span={NOW} label={panel.title.toLowerCase()} />
      ))}
    </dl>
  )
}

interface FactProps {
  label: string
  value: string
  note?: string
  bad?: boolean
  children?: ReactNode
}

function Fact({ label, value, note = '', bad = false, children }: FactProps) {
  return (
    <div className={styles.fact}>
      <dt>{label}</dt>
      <dd data-bad={bad}>
        {value} {note && <small>{note}</small>}
        {children}
      </dd>
    </div>
  )
}

/** What the live topics know, and before it what the index and the incidents do. */
function useMarks(name: string, recent: readonly Deployment[], firing: readonly Alert[]): readonly Mark[] {
  const deployed = useFetch<List<Deployment>>(functionPath(name, 'deployments?limit=200'), 60_000)
  const incidents = useFetch<List<Incident>>(functionPath(name, 'incidents?limit=100'), 10_000)
  return useMemo(() => {
    const known = new Map([...(deployed.data?.items ?? []), ...recent].map((d) => [d.id, d]))
    return marksOf(ofFunction(known.values(), name), incidents.data?.items ?? [], firing)
  }, [deployed.data, incidents.data, recent, firing, name])
}

function lately(r: Rollout, now: number): boolean {
  const ended = parseTime(r.endedAt)
  return !r.active && r.state !== 'completed' && ended !== null && now - ended < TOLD_MS
}

function ofFunction(all: Iterable<Deployment>, name: string): Deployment[] {
  return [...all].filter((d) => d.function === name && d.kind !== 'registered').sort((a, b) => b.id - a.id)
}
