import type { Line } from '../api/prometheus'
import type { DashboardAnnotation } from '../wire.gen'
import type { Mark } from './marks'
import { legendOf } from './model'

const MOST_RUNS = 200 // marks of one annotation
const MOST_NAMES = 4 // that a mark tells

/** The answer to an annotation's query, on a grid of times. */
export interface Annotated {
  annotation: DashboardAnnotation
  times: readonly number[]
  lines: readonly Line[]
}

interface Run {
  from: number
  until: number | null // the last moment that it was seen; null: it goes on to the end
  names: string[]
}

/**
 * What a dashboard's annotations mark: each time that one of their series came. What is bad is marked for as long as
 * it lasted; several of one moment are one mark.
 */
export function annotated(answers: readonly Annotated[]): Mark[] {
  return answers.flatMap(({ annotation: a, times, lines }) => {
    const bad = a.level === 'bad'
    const runs = new Map<string, Run>()
    for (const line of lines) {
      for (const [from, until] of runsOf(line.values, times)) {
        const key = `${from} ${bad ? until : ''}`
        const run = runs.get(key) ?? { from, until: bad ? until : from, names: [] }
        run.names.push(legendOf(a.title, line.labels))
        runs.set(key, run)
      }
    }
    return [...runs.values()]
      .sort((x, y) => x.from - y.from)
      .slice(-MOST_RUNS)
      .map((run) => markOf(a, run, bad))
  })
}

function markOf(a: DashboardAnnotation, { from, until, names }: Run, bad: boolean): Mark {
  const first = names[0] ?? ''
  const more = names.length > MOST_NAMES ? ` and ${names.length - MOST_NAMES} more` : ''
  return {
    time: from,
    ...(bad && { until }),
    label: names.length > 1 ? `${names.length} ${a.name.toLowerCase()}` : first.slice(first.lastIndexOf('/') + 1),
    detail: `${a.name}: ${names.slice(0, MOST_NAMES).join(', ')}${more}`,
    kind: bad ? 'alert' : 'deployment',
  }
}

/** From where to where a series has values, by the times of the first and the last of each stretch. */
function runsOf(values: readonly (number | null)[], times: readonly number[]): [from: number, until: number | null][] {
  const runs: [number, number | null][] = []
  let from: number | null = null
  let last = 0
  times.forEach((time, i) => {
    const there = values[i] !== null && values[i] !== undefined
    if (there) {
      from ??= time
      last = time
    } else if (from !== null) {
      runs.push([from, last])
      from = null
    }
  })
  if (from !== null) runs.push([from, null])
  return runs
}
