import { parseTime } from '../format/time'
import type { Alert, Deployment, Incident } from '../wire.gen'

/** What a chart's time axis marks: a deployment, or the time that an alert fired. */
export interface Mark {
  time: number // Unix seconds
  until?: number | null // of an alert; null: it still fires
  label: string
  detail: string // the whole of it, for who looks closer
  kind: 'deployment' | 'alert' | 'ticket'
}

/** The marks of a function's deployments and alerts, oldest first. An incident stands for the alerts of its objective. */
export function marksOf(history: readonly Deployment[], incidents: readonly Incident[], firing: readonly Alert[]): Mark[] {
  const marks: Mark[] = []
  for (const d of history) {
    const time = parseTime(d.time)
    const to = d.to.filter((w) => w.weight > 0)
    if (time === null || to.length === 0) continue
    const label = to.map((w) => `@${w.version}`).join('+')
    const by = d.author ? ` by ${d.author}` : ''
    const why = d.message ? `: ${d.message}` : ''
    marks.push({ time: time / 1000, label, detail: `${label} ${d.kind.replaceAll('_', ' ')}${by}${why}`, kind: 'deployment' })
  }
  const open = new Set<string>()
  for (const i of incidents) {
    const time = parseTime(i.openedAt)
    const until = parseTime(i.closedAt)
    if (time === null) continue
    if (until === null) open.add(i.slo)
    marks.push(alertMark(i.class, i.slo, time / 1000, until === null ? null : until / 1000))
  }
  for (const a of firing) {
    const time = parseTime(a.since)
    if (time === null || a.state !== 'firing' || open.has(a.slo ?? '')) continue
    marks.push(alertMark(a.class, a.slo ?? '', time / 1000, null))
  }
  return marks.sort((a, b) => a.time - b.time)
}

function alertMark(level: string, slo: string, time: number, until: number | null): Mark {
  const over = until === null ? 'fires' : 'fired'
  return {
    time,
    until,
    label: level,
    detail: `${level}: ${slo || 'an objective'} ${over}`,
    kind: level === 'page' ? 'alert' : 'ticket',
  }
}

/** Marks at a moment, give or take some seconds; an alert is there as long as it fires. */
export function marksAt(marks: readonly Mark[], time: number, slack: number): Mark[] {
  return marks.filter((m) => {
    const until = m.until === undefined ? m.time : (m.until ?? Number.POSITIVE_INFINITY)
    return time >= m.time - slack && time <= until + slack
  })
}
