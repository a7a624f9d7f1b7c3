import { describe, expect, test } from 'vitest'
import { Connection, type Socket } from './connection'
import type { TopicSpec } from './topics'

interface Item {
  name: string
  n: number
}

const spec: TopicSpec<Item> = { name: 'overview', shape: { key: (i) => i.name } }

class FakeSocket implements Socket {
  onmessage: ((event: { data: unknown }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null
  sent: unknown[] = []
  closed = false
  constructor(readonly protocols: string[]) {}
  send(text: string) {
    this.sent.push(JSON.parse(text))
  }
  close() {
    this.closed = true
  }
  say(message: unknown) {
    this.onmessage?.({ data: JSON.stringify(message) })
  }
  hello(epoch = 'e1') {
    this.say({ type: 'hello', epoch, step: 1, version: 'v1' })
  }
  end(code = 1006) {
    this.onclose?.({ code })
  }
}

/** A world whose time passes only when told. */
function world() {
  let now = 1000
  let timers: { at: number; run: () => void }[] = []
  const sockets: FakeSocket[] = []
  return {
    sockets,
    last: () => sockets[sockets.length - 1] as FakeSocket,
    open: (protocols: string[]) => {
      const socket = new FakeSocket(protocols)
      sockets.push(socket)
      return socket
    },
    now: () => now,
    later: (run: () => void, ms: number) => {
      const timer = { at: now + ms, run }
      timers.push(timer)
      return () => {
        timers = timers.filter((t) => t !== timer)
      }
    },
    random: () => 1,
    pass(ms: number) {
      const end = now + ms
      for (;;) {
        const next = timers.filter((t) => t.at <= end).sort((x, y) => x.at - y.at)[0]
        if (!next) break
        timers = timers.filter((t) => t !== next)
        now = next.at
        next.run()
      }
      now = end
    },
  }
}

function connected() {
  const w = world()
  const connection = new Connection(w)
  let changes = 0
  const leave = connection.subscribe(spec, () => changes++)
  connection.start()
  w.last().hello()
  return { w, connection, leave, changes: () => changes }
}

const names = (c: Connection) => [...c.getTopic<Item>('overview').items.values()].map((i) => `${i.name}${i.n}`)

describe('the connection', () => {
  test('greets, subscribes, and follows', () => {
    const { w, connection, changes } = connected()
    expect(w.last().sent).toEqual([{ type: 'subscribe', topic: 'overview' }])
    w.last().say({ type: 'snapshot', topic: 'overview', seq: 4, items: [{ name: 'a', n: 1 }] })
    w.last().say({ type: 'delta', topic: 'overview', seq: 5, items: [{ name: 'b', n: 1 }], removed: [] })
    expect(names(connection)).toEqual(['a1', 'b1'])
    expect(connection.getLink()).toMatchObject({ phase: 'live', serverVersion: 'v1', lostAt: null })
    expect(changes()).toBe(2)
  })

  test('offers no token: the session is a cookie', () => {
    const w = world()
    new Connection(w).start()
    expect(w.last().protocols).toEqual(['hadron.v1'])
  })

  test('resumes after a loss in the same epoch', () => {
    const { w, connection } = connected()
    w.last().say({ type: 'snapshot', topic: 'overview', seq: 4, items: [{ name: 'a', n: 1 }] })
    w.pass(3000)
    w.last().end()
    expect(connection.getLink()).toMatchObject({ phase: 'lost', lostAt: 1000, retryAt: 4500 })
    expect(names(connection)).toEqual(['a1'])
    w.pass(500)
    expect(w.sockets).toHaveLength(2)
    w.last().hello()
    expect(w.last().sent).toEqual([{ type: 'subscribe', topic: 'overview', after: 4 }])
    w.last().say({ type: 'delta', topic: 'overview', seq: 5, items: [{ name: 'a', n: 2 }], removed: [] })
    expect(names(connection)).toEqual(['a2'])
    expect(connection.getLink()).toMatchObject({ phase: 'live', lostAt: null, retryAt: null })
  })

  test('starts anew in another epoch', () => {
    const { w, connection } = connected()
    w.last().say({ type: 'snapshot', topic: 'overview', seq: 400, items: [{ name: 'a', n: 1 }] })
    w.last().end()
    w.pass(500)
    w.last().hello('e2')
    expect(w.last().sent).toEqual([{ type: 'subscribe', topic: 'overview' }])
    w.last().say({ type: 'snapshot', topic: 'overview', seq: 2, items: [{ name: 'b', n: 1 }] })
    expect(names(connection)).toEqual(['b1'])
  })

  test('asks again where a delta is missing', () => {
    const { w } = connected()
    w.last().say({ type: 'snapshot', topic: 'overview', seq: 4, items: [] })
    w.last().say({ type: 'delta', topic: 'overview', seq: 6, items: [], removed: [] })
    w.last().say({ type: 'delta', topic: 'overview', seq: 7, items: [], removed: [] })
    expect(w.last().sent.slice(1)).toEqual([{ type: 'subscribe', topic: 'overview', after: 4 }])
  })

  test('waits longer with each failure, and a greeting makes it patient again', () => {
    const { w } = connected()
    const waits: number[] = []
    for (let i = 0; i < 7; i++) {
      const before = w.sockets.length
      w.last().end()
      let waited = 0
      while (w.sockets.length === before) {
        w.pass(500)
        waited += 500
      }
      waits.push(waited)
    }
    expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 15_000, 15_000])
    w.last().hello()
    w.last().end()
    w.pass(500)
    expect(w.sockets).toHaveLength(9)
  })

  test('tries at once when asked to', () => {
    const { w, connection } = connected()
    w.last().end()
    connection.retry()
    expect(w.sockets).toHaveLength(2)
    connection.retry()
    expect(w.sockets).toHaveLength(2)
  })

  test('gives a silent server up, and a heartbeat is not silence', () => {
    const { w, connection } = connected()
    w.pass(15_000)
    w.last().say({ type: 'heartbeat' })
    w.pass(15_000)
    expect(connection.getLink()).toMatchObject({ phase: 'live', heardAt: 16_000 })
    w.pass(5000)
    expect(connection.getLink()).toMatchObject({ phase: 'lost', lostAt: 16_000 })
    expect(w.sockets[0]?.closed).toBe(true)
  })

  test('stops at a refused token', () => {
    const { w, connection } = connected()
    w.last().end(4401)
    w.pass(100_000)
    expect(connection.getLink().phase).toBe('refused')
    expect(w.sockets).toHaveLength(1)
  })

  test('keeps a topic for a while after its last listener, then lets it go', () => {
    const { w, connection, leave } = connected()
    w.last().say({ type: 'snapshot', topic: 'overview', seq: 4, items: [{ name: 'a', n: 1 }] })
    leave()
    w.pass(5000)
    const leaveAgain = connection.subscribe(spec, () => {})
    expect(names(connection)).toEqual(['a1'])
    w.last().say({ type: 'heartbeat' })
    leaveAgain()
    w.pass(15_000)
    w.last().say({ type: 'heartbeat' })
    w.pass(6000)
    expect(w.last().sent.slice(1)).toEqual([{ type: 'unsubscribe', topic: 'overview' }])
    expect(names(connection)).toEqual([])
  })

  test('keeps what a topic had when it is refused, and asks again where the fault is the server’s', () => {
    const { w, connection } = connected()
    w.last().say({ type: 'error', topic: 'overview', code: 'internal', detail: 'the store is away' })
    expect(connection.getTopic('overview').error).toEqual({ code: 'internal', detail: 'the store is away' })
    w.pass(5000)
    expect(w.last().sent).toHaveLength(2)
    w.last().say({ type: 'snapshot', topic: 'overview', seq: 1, items: [] })
    expect(connection.getTopic('overview').error).toBeNull()
  })

  test('ignores frames that it does not know', () => {
    const { w, connection } = connected()
    for (const text of ['', 'x', 'null', '[]', '{"type":"later"}', '{"type":"delta"}', '{"type":"snapshot","topic":1}']) {
      w.last().onmessage?.({ data: text })
    }
    expect(connection.getLink().phase).toBe('live')
  })
})
