import { describe, expect, test } from 'vitest'
import { applyMessage, emptyTopic, reconnect, type Shape, type StateMessage, type Topic } from './topic'

interface Item {
  name: string
  n: number
}

const keyed: Shape<Item> = { key: (i) => i.name }
const stream: Shape<Item> = { key: (_, seq, index) => `${seq}.${index}`, limit: 3 }

const snapshot = (seq: number, ...items: Item[]): StateMessage => ({ type: 'snapshot', topic: 't', seq, items })
const delta = (seq: number, items: Item[], removed: string[] = []): StateMessage => ({
  type: 'delta',
  topic: 't',
  seq,
  items,
  removed,
})
const a = (n: number): Item => ({ name: 'a', n })
const b = (n: number): Item => ({ name: 'b', n })

function play(messages: StateMessage[], shape = keyed, from = emptyTopic as Topic<Item>): { topic: Topic<Item>; asked: number } {
  let topic = from
  let asked = 0
  for (const message of messages) {
    const step = applyMessage(topic, message, shape)
    topic = step.topic
    if (step.ask) asked++
  }
  return { topic, asked }
}

const values = (topic: Topic<Item>) => [...topic.items.values()].map((i) => `${i.name}${i.n}`)

describe('a topic with keys', () => {
  test('is its snapshot and what changed since', () => {
    const { topic, asked } = play([snapshot(4, a(1), b(1)), delta(5, [b(2)]), delta(6, [], ['a'])])
    expect(values(topic)).toEqual(['b2'])
    expect(topic).toMatchObject({ seq: 6, syncing: false, error: null })
    expect(asked).toBe(0)
  })

  test('ignores what it has already', () => {
    const { topic } = play([snapshot(4, a(1)), delta(5, [a(2)]), delta(5, [a(9)]), delta(3, [a(9)]), delta(4, [], ['a'])])
    expect(values(topic)).toEqual(['a2'])
    expect(topic.seq).toBe(5)
  })

  test('asks once about a hole and applies nothing until it is filled', () => {
    const first = play([snapshot(4, a(1)), delta(7, [a(7)]), delta(8, [a(8)])])
    expect(first.asked).toBe(1)
    expect(first.topic).toMatchObject({ seq: 4, syncing: true })
    expect(values(first.topic)).toEqual(['a1'])
    const second = play([delta(5, [b(5)]), delta(6, []), delta(7, [a(7)])], keyed, first.topic)
    expect(values(second.topic)).toEqual(['a7', 'b5'])
    expect(second.topic).toMatchObject({ seq: 7, syncing: false })
  })

  test('takes a snapshot as the answer to a hole', () => {
    const { topic, asked } = play([snapshot(4, a(1), b(1)), delta(9, [a(9)]), snapshot(12, a(12)), delta(13, [a(13)])])
    expect(values(topic)).toEqual(['a13'])
    expect(asked).toBe(1)
  })

  test('survives messages that overtake one another', () => {
    const { topic } = play([snapshot(1, a(1)), delta(3, [a(3)]), delta(2, [b(2)]), delta(3, [a(3)]), delta(4, [b(4)])])
    expect(values(topic)).toEqual(['a3', 'b4'])
    expect(topic.seq).toBe(4)
  })

  test('ignores an old snapshot, but not one that it waits for', () => {
    expect(play([snapshot(9, a(9)), snapshot(3, a(3))]).topic.seq).toBe(9)
    const waiting = reconnect(play([snapshot(9, a(9))]).topic, false)
    expect(play([snapshot(3, a(3))], keyed, waiting).topic).toMatchObject({ seq: 3, syncing: false })
  })

  test('asks for nothing on a delta before its first snapshot', () => {
    expect(play([delta(5, [a(5)])])).toMatchObject({ asked: 0, topic: { seq: null, syncing: true } })
  })

  test('keeps the same items where a delta is empty', () => {
    const before = play([snapshot(4, a(1))]).topic
    const after = applyMessage(before, delta(5, []), keyed).topic
    expect(after.items).toBe(before.items)
    expect(after.seq).toBe(5)
  })

  test('changes nothing that it was given', () => {
    const before = play([snapshot(4, a(1))]).topic
    applyMessage(before, delta(5, [b(5)], ['a']), keyed)
    expect(values(before)).toEqual(['a1'])
  })
})

describe('a reconnection', () => {
  const before = play([snapshot(4, a(1))]).topic

  test('resumes after its number in the same epoch, and shows the old items meanwhile', () => {
    const topic = reconnect(before, true)
    expect(topic).toMatchObject({ seq: 4, syncing: true })
    expect(values(topic)).toEqual(['a1'])
    expect(values(play([delta(5, [b(5)])], keyed, topic).topic)).toEqual(['a1', 'b5'])
  })

  test('forgets its number in another epoch', () => {
    const topic = reconnect(before, false)
    expect(topic.seq).toBeNull()
    expect(values(play([snapshot(1, b(1))], keyed, topic).topic)).toEqual(['b1'])
  })
})

test('a stream keeps its last items in order', () => {
  const { topic } = play([snapshot(1, a(1), a(2)), delta(2, [a(3)]), delta(3, [a(4), a(5)])], stream)
  expect(values(topic)).toEqual(['a3', 'a4', 'a5'])
})
