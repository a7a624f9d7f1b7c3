import { CloseAccessChanged, CloseFlood, CloseUnauthorized, LiveInternal, LiveProtocol } from '../wire.gen'
import { parseMessage, type ServerMessage } from './protocol'
import { applyMessage, emptyTopic, reconnect, type Topic } from './topic'
import type { TopicSpec } from './topics'

/** What the connection needs of the world; tests give their own. */
export interface World {
  open(protocols: string[]): Socket
  now(): number
  later(run: () => void, ms: number): () => void
  random(): number
}

/** The part of a WebSocket that is used. */
export interface Socket {
  onmessage: ((event: { data: unknown }) => void) | null
  onclose: ((event: { code: number }) => void) | null
  send(text: string): void
  close(code?: number): void
}

/** The connection as people should hear of it. Times are of World.now. */
export interface Link {
  readonly phase: 'connecting' | 'live' | 'lost' | 'refused'
  readonly heardAt: number | null
  readonly lostAt: number | null
  readonly retryAt: number | null
  readonly step: number
  readonly serverVersion: string
}

const FIRST_WAIT = 500
const LONGEST_WAIT = 15_000
const FLOOD_WAIT = 60_000
const AGAIN = 5000 // after which a topic that failed is asked for again
const SILENCE = 20_000
const OPENING = 10_000
const LINGER = 20_000 // so that going back to a page finds it as it was left

interface Entry {
  spec: TopicSpec<unknown>
  topic: Topic<unknown>
  listeners: Set<() => void>
  cancelEnd: (() => void) | null
}

/**
 * One websocket for the whole page. Topics are subscribed while somebody listens,
 * and keep their items while the connection is away; it comes back by itself,
 * later each time, and resumes by sequence number.
 */
export class Connection {
  private readonly topics = new Map<string, Entry>()
  private readonly linkListeners = new Set<() => void>()
  private socket: Socket | null = null
  private cancelTimer: (() => void) | null = null
  private epoch: string | null = null
  private greeted = false
  private attempts = 0
  private stopped = true
  private link: Link = { phase: 'connecting', heardAt: null, lostAt: null, retryAt: null, step: 1, serverVersion: '' }

  constructor(private readonly world: World) {}

  start(): void {
    this.stopped = false
    this.attempts = 0
    this.connect()
  }

  stop(): void {
    this.stopped = true
    this.drop()
  }

  /** Tries again at once, where a try is due later. */
  retry(): void {
    if (!this.stopped && this.socket === null) this.connect()
  }

  getLink = (): Link => this.link

  onLink = (listener: () => void): (() => void) => {
    this.linkListeners.add(listener)
    return () => this.linkListeners.delete(listener)
  }

  getTopic<T>(name: string): Topic<T> {
    return (this.topics.get(name)?.topic ?? emptyTopic) as Topic<T>
  }

  /** Listens to a topic. The subscription ends some time after the last listener has gone. */
  subscribe<T>(spec: TopicSpec<T>, listener: () => void): () => void {
    let entry = this.topics.get(spec.name)
    if (!entry) {
      entry = { spec: spec as TopicSpec<unknown>, topic: emptyTopic, listeners: new Set(), cancelEnd: null }
      this.topics.set(spec.name, entry)
      if (this.greeted) this.ask(entry)
    }
    const held = entry
    held.cancelEnd?.()
    held.cancelEnd = null
    held.listeners.add(listener)
    return () => {
      held.listeners.delete(listener)
      if (held.listeners.size > 0 || held.cancelEnd) return
      held.cancelEnd = this.world.later(() => {
        this.topics.delete(spec.name)
        if (this.greeted) this.send({ type: 'unsubscribe', topic: spec.name })
      }, spec.shape.linger ?? LINGER)
    }
  }

  private connect(): void {
    this.drop()
    if (this.link.phase !== 'lost') this.setLink({ phase: 'connecting' })
    const socket = this.world.open([LiveProtocol])
    this.socket = socket
    socket.onmessage = (event) => {
      if (this.socket !== socket || typeof event.data !== 'string') return
      this.watch(SILENCE)
      const message = parseMessage(event.data)
      if (message) this.receive(message)
    }
    socket.onclose = (event) => {
      if (this.socket === socket) this.lost(event.code)
    }
    this.watch(OPENING)
  }

  /** Gives the connection up when nothing is heard for this long. */
  private watch(ms: number): void {
    this.cancelTimer?.()
    this.cancelTimer = this.world.later(() => {
      const socket = this.socket
      this.lost(0)
      socket?.close()
    }, ms)
  }

  private receive(message: ServerMessage): void {
    const heardAt = this.world.now()
    switch (message.type) {
      case 'hello': {
        const same = this.epoch === message.epoch
        this.epoch = message.epoch
        this.greeted = true
        this.attempts = 0
        this.setLink({
          phase: 'live',
          heardAt,
          lostAt: null,
          retryAt: null,
          step: message.step,
          serverVersion: message.version,
        })
        for (const entry of this.topics.values()) {
          this.update(entry, reconnect(entry.topic, same))
          this.ask(entry)
        }
        return
      }
      case 'snapshot':
      case 'delta': {
        const entry = this.topics.get(message.topic)
        if (entry) {
          const next = applyMessage(entry.topic, message, entry.spec.shape)
          this.update(entry, next.topic)
          if (next.ask) this.ask(entry)
        }
        break
      }
      case 'error': {
        const entry = message.topic === undefined ? undefined : this.topics.get(message.topic)
        if (entry) {
          const error = { code: message.code, detail: message.detail }
          this.update(entry, { ...entry.topic, syncing: false, error })
          if (message.code === LiveInternal) this.askLater(entry)
        }
        break
      }
    }
    this.setLink({ heardAt })
  }

  private lost(code: number): void {
    this.drop()
    if (this.stopped) return
    if (code === CloseUnauthorized) {
      this.stopped = true
      this.setLink({ phase: 'refused', retryAt: null })
      return
    }
    if (code === CloseAccessChanged) this.attempts = 0
    const most = code === CloseFlood ? FLOOD_WAIT : Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** this.attempts++)
    const wait = most / 2 + (this.world.random() * most) / 2
    const now = this.world.now()
    this.setLink({ phase: 'lost', lostAt: this.link.lostAt ?? this.link.heardAt ?? now, retryAt: now + wait })
    this.cancelTimer = this.world.later(() => this.connect(), wait)
  }

  private drop(): void {
    this.cancelTimer?.()
    this.cancelTimer = null
    this.greeted = false
    const socket = this.socket
    this.socket = null
    if (!socket) return
    socket.onmessage = null
    socket.onclose = null
    socket.close()
  }

  private ask(entry: Entry): void {
    const { seq } = entry.topic
    this.send({ type: 'subscribe', topic: entry.spec.name, ...(seq === null ? {} : { after: seq }) })
  }

  private askLater(entry: Entry): void {
    this.world.later(() => {
      if (this.greeted && entry.topic.error && this.topics.get(entry.spec.name) === entry) this.ask(entry)
    }, AGAIN)
  }

  private send(message: { type: 'subscribe' | 'unsubscribe'; topic: string; after?: number }): void {
    this.socket?.send(JSON.stringify(message))
  }

  private update(entry: Entry, topic: Topic<unknown>): void {
    if (entry.topic === topic) return
    const shown =
      entry.topic.items !== topic.items ||
      entry.topic.total !== topic.total ||
      entry.topic.syncing !== topic.syncing ||
      entry.topic.error !== topic.error
    entry.topic = topic
    if (shown) for (const listener of entry.listeners) listener()
  }

  private setLink(change: Partial<Link>): void {
    this.link = { ...this.link, ...change }
    for (const listener of this.linkListeners) listener()
  }
}
