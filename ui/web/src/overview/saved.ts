/** A view of the overview under a name; the address is the view. */
export interface View {
  name: string
  search: string
}

/** Views for everybody: the questions that are asked most. */
export const USUAL: readonly View[] = [
  { name: 'Everything, worst first', search: '' },
  { name: 'Needs attention', search: '?state=failing,degraded' },
  { name: 'By team and project', search: '?group=project' },
  { name: 'Least budget left', search: '?sort=budget' },
  { name: 'Slowest', search: '?sort=p99' },
  { name: 'Busiest', search: '?sort=rate' },
  { name: 'Just deployed', search: '?sort=deployed' },
]

const KEY = 'hadron.views'
const MOST = 30

type Store = Pick<Storage, 'getItem' | 'setItem'>

/** The views that this browser keeps; what cannot be read is none. */
export function readViews(store: Store): View[] {
  try {
    const kept: unknown = JSON.parse(store.getItem(KEY) ?? '[]')
    if (!Array.isArray(kept)) return []
    return kept
      .filter((v): v is View => typeof v?.name === 'string' && typeof v?.search === 'string' && /^(\?.*)?$/.test(v.search))
      .slice(0, MOST)
  } catch {
    return []
  }
}

/** Keeps a view, in the place of one of the same name. The oldest go where there are too many. */
export function keepView(store: Store, view: View): View[] {
  const views = [...readViews(store).filter((v) => v.name !== view.name), view].slice(-MOST)
  return write(store, views)
}

export function dropView(store: Store, name: string): View[] {
  return write(
    store,
    readViews(store).filter((v) => v.name !== name),
  )
}

function write(store: Store, views: View[]): View[] {
  try {
    store.setItem(KEY, JSON.stringify(views))
  } catch {
    // a browser that keeps nothing: the address is still the view
  }
  return views
}
