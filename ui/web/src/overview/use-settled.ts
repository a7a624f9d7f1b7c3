import { useEffect, useState } from 'react'

const SETTLED_MS = 150

/** A text once it has not changed for a moment: nobody wants an answer to each key. */
export function useSettled(text: string): string {
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const id = window.setTimeout(() => setSettled(text), SETTLED_MS)
    return () => window.clearTimeout(id)
  }, [text])
  return settled
}
