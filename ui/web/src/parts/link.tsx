import type { AnchorHTMLAttributes, MouseEvent } from 'react'
import { navigate } from '../router'

/** A link within the app; with a modifier key it behaves as any other link. */
export function Link({ to, onClick, ...rest }: { to: string } & Omit<AnchorHTMLAttributes<HTMLAnchorElement>, 'href'>) {
  const go = (event: MouseEvent<HTMLAnchorElement>) => {
    onClick?.(event)
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    event.preventDefault()
    navigate(to)
    document.getElementById('main')?.scrollTo?.(0, 0)
  }
  return <a href={to} onClick={go} {...rest} />
}
