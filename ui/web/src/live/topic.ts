import type { Delta, Snapshot } from '../wire.gen'

/** How a topic's items are kept: by key, or as the last `limit` of a stream. */
export interface Shape<T> {
  key: (item: T, seq: number, index: number) => string
  limit?: number
  /** How long a topic that nobody listens to is kept, in milliseconds; see LINGER. */
  linger?: number
}

/**
 * One topic as the client knows it. `syncing` means that the items are old until
 * the answer to a subscription arrives; `error` says why there will be none.
 */
export interface Topic<T> {
  readonly items: ReadonlyMap<string, T>
  readonly seq: number | null
  readonly syncing: boolean
  readonly error: { code: string; detail: string } | null
  /** Of a page: how many items its whole list has. */
  readonly total?: number | undefined
}

export const emptyTopic: Topic<unknown> = { items: new Map(), seq: null, syncing: true, error: null }

/** A message that carries a topic's state, or what changed in it. */
export type StateMessage = ({ type: 'snapshot' } & Omit<Snapshot, 'type'>) | ({ type: 'delta' } & Omit<Delta, 'type'>)

/** The next state, and whether the client must ask the server for what it missed. */
export interface Step<T> {
  topic: Topic<T>
  ask: boolean
}

/**
 * Applies one message. Sequence numbers of a topic rise by one: what is not newer
 * is a repetition and ignored; a hole asks once, and nothing is applied until the
 * missing delta or a snapshot has come. It changes nothing that it was given.
 */
export function applyMessage<T>(topic: Topic<T>, message: StateMessage, shape: Shape<T>): Step<T> {
  const { seq, total } = message
  if (message.type === 'snapshot') {
    if (!topic.syncing && topic.seq !== null && seq < topic.seq) return { topic, ask: false }
    const items = new Map<string, T>()
    put(items, message.items as T[], seq, shape)
    return { topic: { items, seq, total, syncing: false, error: null }, ask: false }
  }
  if (topic.seq === null || seq > topic.seq + 1) {
    if (topic.syncing) return { topic, ask: false }
    return { topic: { ...topic, syncing: true }, ask: true }
  }
  if (seq <= topic.seq) return { topic, ask: false }
  const { removed } = message
  if (message.items.length === 0 && removed.length === 0) {
    return { topic: { ...topic, seq, total, syncing: false, error: null }, ask: false }
  }
  const items = new Map(topic.items)
  for (const key of removed) items.delete(key)
  put(items, message.items as T[], seq, shape)
  return { topic: { items, seq, total, syncing: false, error: null }, ask: false }
}

/** A new connection: with the same epoch the topic resumes after its number, with another it starts anew. */
export function reconnect<T>(topic: Topic<T>, sameEpoch: boolean): Topic<T> {
  return { ...topic, seq: sameEpoch ? topic.seq : null, syncing: true, error: null }
}

function put<T>(items: Map<string, T>, add: T[], seq: number, shape: Shape<T>): void {
  let index = 0
  for (const item of add) items.set(shape.key(item, seq, index++), item)
  if (shape.limit === undefined) return
  let over = items.size - shape.limit
  for (const key of items.keys()) {
    if (over-- <= 0) break
    items.delete(key)
  }
}
