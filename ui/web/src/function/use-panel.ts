import { type RefObject, useEffect, useRef, useState } from 'react'
import { type ApiError, asApiError } from '../api/http'
import { type Point, queryAll, queryOne, queryRange } from '../api/prometheus'
import type { DashboardAnnotation, DashboardModel, DashboardPanel } from '../wire.gen'
import { annotated } from './annotations'
import type { Mark } from './marks'
import { type Drawn, drawnOf, filled } from './model'
import { gridOf, rateWindow, type Span, spanText } from './span'

export interface Loaded<T> {
  data: T | null
  error: ApiError | null
}

const REST = 10 // a query is asked again after this many times as long as it took
const SETTLED = 300_000 // what was is asked again after this long: a sample may come late
const LATE = 60 // seconds until samples are there
const FAILED = 15_000 // what failed, or was not looked at, is asked no later than after this

/**
 * Asks again each `everyMs` while the page is visible; what is slow is asked less
 * often. A new key begins anew, a null one asks nothing. A failure keeps the last data.
 */
function useAgain<T>(key: string | null, everyMs: number, ask: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T> & { key: string | null }>({ key, data: null, error: null })
  const latest = useRef(ask)
  latest.current = ask
  useEffect(() => {
    if (key === null) return
    const abort = new AbortController()
    let timer = 0
    const load = async () => {
      const began = performance.now()
      let rest = Math.min(everyMs, FAILED)
      if (!document.hidden) {
        try {
          const data = await latest.current(abort.signal)
          if (abort.signal.aborted) return
          rest = everyMs
          setLoaded({ key, data, error: null })
        } catch (error) {
          if (abort.signal.aborted) return
          const failure = asApiError(error)
          setLoaded((last) => ({ key, data: last.key === key ? last.data : null, error: failure }))
        }
      }
      timer = window.setTimeout(load, Math.max(rest, (performance.now() - began) * REST))
    }
    void load()
    return () => {
      abort.abort()
      window.clearTimeout(timer)
    }
  }, [key, everyMs])
  // While a panel is out of sight its last answer stays.
  return key === null || loaded.key === key ? loaded : { data: null, error: null }
}

/** When to ask again: what ended a while ago changes no more. */
function again(span: Span, everyMs: number): number {
  return span.live || Date.now() / 1000 - span.to < LATE ? everyMs : SETTLED
}

/** A panel's lines over a span, asked for while it is in view. */
export function usePanel(panel: DashboardPanel, span: Span, interval: number, inView: boolean): Loaded<Drawn> {
  const { step } = gridOf(span, 0, interval)
  const key = inView ? `${spanText(span)}\n${interval}\n${panel.queries.map((q) => q.expr).join('\n')}` : null
  return useAgain(key, again(span, Math.max(5, step) * 1000), async (signal) => {
    const grid = gridOf(span, Date.now() / 1000, interval)
    const answers = await Promise.all(panel.queries.map((q) => queryRange(filled(q.expr, grid.rateWindow), grid, signal)))
    return drawnOf(panel, answers)
  })
}

const MARKS_EVERY = 15_000

/** What a dashboard's annotations mark over a span; while that is not known, nothing. */
export function useAnnotations(model: DashboardModel | null, span: Span): readonly Mark[] {
  const interval = model?.interval ?? 0
  const annotations = model?.annotations ?? []
  const key = `${spanText(span)}\n${interval}\n${annotations.map((a) => a.expr).join('\n')}`
  const marks = useAgain(annotations.length > 0 ? key : null, again(span, MARKS_EVERY), async (signal) => {
    const grid = gridOf(span, Date.now() / 1000, interval)
    const answers = await Promise.all(annotations.map((a) => queryRange(filled(a.expr, grid.rateWindow), grid, signal)))
    return annotated(answers.map(({ times, lines }, i) => ({ annotation: annotations[i] as DashboardAnnotation, times, lines })))
  })
  return marks.data ?? NONE
}

const NONE: readonly Mark[] = []

const STAT_EVERY = 10_000

/** The value of a panel that is one number, at the end of a span. */
export function useStat(panel: DashboardPanel, interval: number, span: Span): Loaded<number | null> {
  const expr = panel.queries[0]?.expr ?? ''
  const at = span.live ? null : span.to
  return useAgain(expr ? `${at}\n${expr}` : null, again(span, STAT_EVERY), (signal) =>
    queryOne(filled(expr, rateWindow(interval, 0)), at, signal),
  )
}

/** The answers of a table's or bars' queries at the end of a span, asked for while it is in view. */
export function useRows(panel: DashboardPanel, interval: number, span: Span, inView: boolean): Loaded<Point[][]> {
  const at = span.live ? null : span.to
  const key = inView ? `${at}\n${panel.queries.map((q) => q.expr).join('\n')}` : null
  return useAgain(key, again(span, STAT_EVERY), (signal) =>
    Promise.all(panel.queries.map((q) => queryAll(filled(q.expr, rateWindow(interval, 0)), at, signal))),
  )
}

/** Whether an element is on the screen or nearly so. */
export function useInView<T extends HTMLElement>(): { ref: RefObject<T | null>; inView: boolean } {
  const ref = useRef<T>(null)
  const [inView, setInView] = useState(false)
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const observer = new IntersectionObserver((entries) => setInView(entries.some((e) => e.isIntersecting)), {
      rootMargin: '150px',
    })
    observer.observe(element)
    return () => observer.disconnect()
  }, [])
  return { ref, inView }
}
