import type { DashboardDrift, Dashboards } from '../wire.gen'

/** What became of a change by hand, in words. */
export function driftText(drift: DashboardDrift): string {
  const by = drift.by ? ` by ${drift.by}` : ''
  switch (drift.policy) {
    case 'keep':
      return `kept as changed by hand${by} (version ${drift.version}); hadron dashboards apply --overwrite restores it`
    case 'fork':
      return `changed by hand${by} and restored; a copy has the change`
    default:
      return `changed by hand${by} and restored; Grafana's history has it as version ${drift.version}`
  }
}

/** How far dashboards are, in words. */
export function progressText(d: Dashboards): string {
  const where = d.target === 'files' ? 'as files' : 'in Grafana'
  const parts = [`${d.ready} of ${d.total} dashboards are ready ${where}`]
  if (d.pending > 0) parts.push(`${d.pending} on their way`)
  if (d.failed > 0) parts.push(`${d.failed} failed`)
  if (d.drifted > 0) parts.push(`${d.drifted} changed by hand`)
  return parts.join(', ')
}
