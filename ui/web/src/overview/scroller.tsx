import { type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from 'react'
import { useSize } from '../parts/use-size'
import styles from './overview.module.css'
import { offsets, visibleRange } from './window'

const SPARE = 8

interface ScrollerProps {
  heights: ArrayLike<number>
  /** One row, put at its place by `top` and `height`. */
  render: (index: number, top: number, height: number) => ReactNode
  /** The rows that are in view, or nearly so. */
  onRange?: (first: number, last: number) => void
  onHold: (held: boolean) => void
  /** Another list begins at its top. */
  list: string
}

/** A list of which only the rows in view are made. */
export function Scroller({ heights, render, onRange, onHold, list }: ScrollerProps) {
  const { ref, height } = useSize<HTMLDivElement>()
  const [top, setTop] = useState(0)
  const frame = useRef(0)
  const onScroll = useCallback((event: React.UIEvent<HTMLDivElement>) => {
    const at = event.currentTarget.scrollTop
    cancelAnimationFrame(frame.current)
    frame.current = requestAnimationFrame(() => setTop(at))
  }, [])
  const shown = useRef(list)
  useEffect(() => {
    if (shown.current === list) return // to scroll what is at its top already would lay the page out for nothing
    shown.current = list
    if (ref.current) ref.current.scrollTop = 0
    setTop(0)
  }, [list, ref])

  const starts = useMemo(() => offsets(heights), [heights])
  const [first, last] = visibleRange(starts, top, height || 800, SPARE)
  useEffect(() => onRange?.(first, last), [onRange, first, last])
  const rows: ReactNode[] = []
  for (let i = first; i < last; i++) rows.push(render(i, starts[i] ?? 0, heights[i] ?? 0))
  return (
    <div
      ref={ref}
      className={styles.scroll}
      role="rowgroup"
      onScroll={onScroll}
      onPointerMove={(event) => event.pointerType === 'mouse' && onHold(true)}
      onPointerLeave={() => onHold(false)}
    >
      <div className={styles.canvas} style={{ height: starts[heights.length] }}>
        {rows}
      </div>
    </div>
  )
}
