import { useMediaQuery } from '@mantine/hooks'
import { useMemo, useState } from 'react'
import { may } from '../access/grants'
import { useSession } from '../access/use-session'
import { previousVersions } from '../function/previous'
import { Rollback } from '../function/rollback'
import { deployments, summaryTopic } from '../live/topics'
import { useNow, useTopic } from '../live/use-live'
import { navigate, useParam, useSearch } from '../router'
import type { Health } from '../wire.gen'
import { Grouped } from './grouped'
import { List } from './list'
import styles from './overview.module.css'
import { parametersOf, parseQuery } from './query'
import { Summary } from './summary'
import { useSettled } from './use-settled'

/** Every function, worst first: is anything wrong, since when, what changed. */
export function Overview() {
  const search = useSettled(useSearch())
  const query = useMemo(() => parseQuery(search), [search])
  const counts = useTopic(useMemo(() => summaryTopic(parametersOf(query)), [query])).items.get('summary')
  const recent = useTopic(deployments)
  const now = useNow()
  const [, setState] = useParam('state')
  const [, setSort] = useParam('sort', 'worst')
  const [, setScope] = useParam('scope')
  const [, setGroup] = useParam('group')
  const [target, setTarget] = useState<Health | null>(null)
  const narrow = useMediaQuery('(max-width: 720px)', window.innerWidth <= 720)
  const session = useSession()
  const previous = useMemo(() => {
    const mine = [...recent.items.values()].filter((d) => may(session, 'deploy', d.function))
    return previousVersions(mine)
  }, [recent.items, session])
  const shared = {
    query,
    narrow,
    setSort,
    now: Math.floor(now / 1000) * 1000,
    previous,
    onRollback: setTarget,
    onClear: () => navigate(query.grouped ? '/?group=project' : '/', true),
  }
  return (
    <div className={styles.page}>
      <h1 className="visually-hidden">All functions</h1>
      <Summary query={query} counts={counts} setState={setState} setScope={setScope} setGroup={setGroup} />
      {query.grouped ? <Grouped {...shared} /> : <List {...shared} counts={counts?.states} />}
      {target && <Rollback name={target.function} current={target.versions} onClose={() => setTarget(null)} />}
    </div>
  )
}
