import { useCallback, useMemo, useRef } from 'react'
import { useParam } from '../router'
import { type RangeName, type Span, spanOf, spanText } from './span'

export interface Shown {
  span: Span
  /** Shows another time; the browser's back button returns to this one. */
  show: (span: Span) => void
  /** Shows the last while again. */
  goLive: () => void
}

/** The time that a page's charts show, which is in its address. */
export function useSpan(fallback: RangeName): Shown {
  const [text, setText] = useParam('range', fallback, true)
  const span = useMemo(() => spanOf(text, fallback), [text, fallback])
  const live = useRef<RangeName>(fallback)
  if (span.live) live.current = span.live
  const show = useCallback((next: Span) => setText(spanText(next)), [setText])
  const goLive = useCallback(() => show({ live: live.current }), [show])
  return useMemo(() => ({ span, show, goLive }), [span, show, goLive])
}
