import { type ReactNode, useEffect } from 'react'
import { mayAnywhere } from '../access/grants'
import { useSession } from '../access/use-session'
import { formatAge } from '../format/time'
import { isStale, useConnection, useLink, useNow } from '../live/use-live'
import { navigate, usePath } from '../router'
import { Link } from './link'
import { SearchBox } from './search'
import styles from './shell.module.css'
import { ThemeToggle } from './theme-toggle'
import { Clock } from './time'
import { useSize } from './use-size'

const PAGES = [
  { to: '/', label: 'Overview' },
  { to: '/alerts', label: 'Alerts' },
  { to: '/deployments', label: 'Deployments' },
  { to: '/dashboards', label: 'Dashboards' },
  { to: '/teams', label: 'Teams' },
  { to: '/audit', label: 'Audit' },
  { to: '/system', label: 'System' },
]

interface ShellProps {
  children: ReactNode
  onSignOut: (() => void) | null
}

/** The frame of every page: where you are, search, and how old the data is. */
export function Shell({ children, onSignOut }: ShellProps) {
  const path = usePath()
  const session = useSession()
  if (path === '/wall') return <Wall>{children}</Wall>
  const pages = mayAnywhere(session, 'administer') ? [...PAGES, { to: '/tokens', label: 'Tokens' }] : PAGES
  return (
    <div className={styles.shell}>
      <a href="#main" className={styles.skip}>
        Skip to the page
      </a>
      <header className={styles.header}>
        <Link to="/" className={styles.brand} aria-label="Hadron, overview">
          Hadron
        </Link>
        <Pages pages={pages} path={path} />
        <SearchBox onSubmit={() => path !== '/' && navigate(`/${window.location.search}`)} />
        <DataAge />
        <ThemeToggle />
        {onSignOut && (
          <button type="button" className={styles.plain} onClick={onSignOut} title={`Signed in as ${session.name}`}>
            <span className={styles.wide}>{session.name} · </span>Sign out
          </button>
        )}
      </header>
      <LostBanner />
      <main
        id="main"
        className={styles.main}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must be reachable by keyboard where nothing in it is
        tabIndex={0}
      >
        {children}
      </main>
    </div>
  )
}

/** The pages there are. On a phone they are wider than the screen: the current one is brought into sight. */
function Pages({ pages, path }: { pages: typeof PAGES; path: string }) {
  const { ref: box, width } = useSize<HTMLElement>()
  // biome-ignore lint/correctness/useExhaustiveDependencies: another page is another place, and so is another width
  useEffect(() => {
    if (width === 0) return // not laid out yet
    const here = box.current?.querySelector<HTMLElement>('[aria-current]')
    if (box.current && here) box.current.scrollLeft = here.offsetLeft - (box.current.clientWidth - here.offsetWidth) / 2
  }, [path, width])
  return (
    <nav ref={box} className={styles.nav} aria-label="Pages">
      {pages.map((page) => (
        <Link key={page.to} to={page.to} aria-current={page.to === path || path.startsWith(`${page.to}/`) ? 'page' : undefined}>
          {page.label}
        </Link>
      ))}
    </nav>
  )
}

/** The frame of the wall: nothing but the age of its data, and its loss. */
function Wall({ children }: { children: ReactNode }) {
  return (
    <div className={styles.shell}>
      <LostBanner />
      <main
        id="main"
        className={styles.main}
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, and must be reachable by keyboard where nothing in it is
        tabIndex={0}
      >
        {children}
      </main>
      <footer className={styles.foot}>
        <DataAge />
      </footer>
    </div>
  )
}

/** Always there: whether the data is live, and its age. */
function DataAge() {
  const link = useLink()
  const now = useNow()
  const stale = isStale(link, now)
  useEffect(() => {
    document.documentElement.dataset.stale = String(stale)
  }, [stale])
  const age = link.heardAt === null ? null : formatAge(now - link.heardAt)
  const word = link.phase === 'connecting' ? 'connecting' : stale ? 'not live' : 'live'
  return (
    <span
      className={styles.age}
      data-phase={stale ? 'stale' : link.phase}
      title={`Server ${link.serverVersion || 'version unknown'}`}
    >
      <span aria-hidden className={styles.dot}>
        {stale ? '○' : '●'}
      </span>
      {word}
      {age && <>, {age} old</>}
    </span>
  )
}

/** Says since when the page shows old values; it goes when they are new again. */
function LostBanner() {
  const connection = useConnection()
  const link = useLink()
  const now = useNow()
  const lostFor = link.lostAt === null ? 0 : now - link.lostAt
  const shown = link.phase === 'lost' && lostFor > 1500
  const wait = link.retryAt === null ? 0 : Math.ceil((link.retryAt - now) / 1000)
  return (
    <div role="status" aria-live="polite">
      {shown && link.lostAt !== null && (
        <div className={styles.banner}>
          <span>
            <b>Connection lost</b> at <Clock at={link.lostAt} now={now} seconds />. These are the last values
            {link.heardAt === null ? '' : `, ${formatAge(now - link.heardAt)} old`}.{' '}
            {wait > 0 ? `Trying again in ${wait}\u202fs.` : 'Trying now.'}
          </span>
          <button type="button" className={styles.bannerButton} onClick={() => connection.retry()}>
            Try now
          </button>
        </div>
      )}
    </div>
  )
}
