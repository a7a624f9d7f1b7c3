import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { Health } from '../wire.gen'
import { parseMessage } from './protocol'
import { applyMessage, emptyTopic, reconnect, type StateMessage, type Topic } from './topic'
import { pageTopic } from './topics'

const overview = pageTopic({})

// What a server sent while a function was registered (54) and deleted (57).
const recorded = (JSON.parse(readFileSync(new URL('./testdata/overview.json', import.meta.url), 'utf8')) as unknown[])
  .map((m) => parseMessage(JSON.stringify(m)))
  .filter((m): m is StateMessage => m?.type === 'snapshot' || m?.type === 'delta')

const apply = (topic: Topic<Health>, message: StateMessage) => applyMessage(topic, message, overview.shape)
const whole = recorded.reduce((topic, m) => apply(topic, m).topic, emptyTopic as Topic<Health>)
const plain = (topic: Topic<Health>) => [...topic.items.values()].sort((a, b) => a.function.localeCompare(b.function))

/** Random numbers that are the same in each run. */
function random(seed: number): () => number {
  let x = seed
  return () => {
    x = (x * 48_271) % 2_147_483_647
    return x / 2_147_483_647
  }
}

describe('a recorded stream', () => {
  test('ends with the functions that are there', () => {
    expect(whole).toMatchObject({ seq: 60, syncing: false })
    expect(plain(whole).map((h) => h.function)).toEqual([
      'growth/signup/greeting',
      'home/bff/tv',
      'ops/jobs/report',
      'pay/core/charge',
    ])
  })

  test('shows the new function while it lived', () => {
    const until = recorded.filter((m) => m.seq <= 55).reduce((topic, m) => apply(topic, m).topic, emptyTopic as Topic<Health>)
    expect(until.items.get('ops/jobs/tmp')?.versions).toEqual([{ version: 1, share: 1 }])
  })

  test.each([1, 2, 3, 5, 8, 13, 21, 34])('comes to the same end over a line that loses, repeats and reorders (%i)', (seed) => {
    const next = random(seed)
    let topic = emptyTopic as Topic<Health>
    let line = [...recorded]
    for (let guard = 0; line.length > 0 && guard < 1000; guard++) {
      const at = next() < 0.3 ? Math.min(1, line.length - 1) : 0
      const [message] = line.splice(at, 1)
      if (!message || (next() < 0.2 && message.type === 'delta')) continue
      if (next() < 0.2) line.splice(Math.min(2, line.length), 0, message)
      const step = apply(topic, message)
      topic = step.topic
      const after = topic.seq
      if (step.ask) line = recorded.filter((m) => after === null || m.seq > after)
    }
    // What the line lost at its very end is resumed by the next connection.
    topic = reconnect(topic, true)
    const from = topic.seq
    for (const message of recorded) if (from === null || message.seq > from) topic = apply(topic, message).topic
    expect(topic.seq).toBe(60)
    expect(plain(topic)).toEqual(plain(whole))
  })

  test('can be cut and resumed anywhere', () => {
    for (let cut = 1; cut < recorded.length; cut++) {
      let topic = recorded.slice(0, cut).reduce((t, m) => apply(t, m).topic, emptyTopic as Topic<Health>)
      topic = reconnect(topic, true)
      topic = recorded.slice(cut).reduce((t, m) => apply(t, m).topic, topic)
      expect(plain(topic)).toEqual(plain(whole))
    }
  })
})
