import type { Delta, Hello, LiveError, Snapshot } from '../wire.gen'

/** What the server sends. A heartbeat carries nothing but the proof that it is there. */
export type ServerMessage =
  | ({ type: 'hello' } & Omit<Hello, 'type'>)
  | ({ type: 'snapshot' } & Omit<Snapshot, 'type'>)
  | ({ type: 'delta' } & Omit<Delta, 'type'>)
  | ({ type: 'error' } & Omit<LiveError, 'type'>)
  | { type: 'heartbeat' }

/** Reads one frame. A frame this version does not know is null: a newer server may say more. */
export function parseMessage(text: string): ServerMessage | null {
  let raw: unknown
  try {
    raw = JSON.parse(text)
  } catch {
    return null
  }
  if (typeof raw !== 'object' || raw === null) return null
  const m = raw as Record<string, unknown>
  switch (m.type) {
    case 'hello':
      return typeof m.epoch === 'string'
        ? {
            type: 'hello',
            epoch: m.epoch,
            step: typeof m.step === 'number' && m.step > 0 ? m.step : 1,
            version: typeof m.version === 'string' ? m.version : '',
          }
        : null
    case 'snapshot':
    case 'delta': {
      if (typeof m.topic !== 'string' || typeof m.seq !== 'number') return null
      const items = Array.isArray(m.items) ? m.items : []
      const total = typeof m.total === 'number' ? { total: m.total } : {}
      if (m.type === 'snapshot') return { type: 'snapshot', topic: m.topic, seq: m.seq, items, ...total }
      const removed = Array.isArray(m.removed) ? m.removed.filter((k): k is string => typeof k === 'string') : []
      return { type: 'delta', topic: m.topic, seq: m.seq, items, removed, ...total }
    }
    case 'error':
      return {
        type: 'error',
        topic: typeof m.topic === 'string' ? m.topic : undefined,
        code: typeof m.code === 'string' ? m.code : 'unknown',
        detail: typeof m.detail === 'string' ? m.detail : '',
      }
    case 'heartbeat':
      return { type: 'heartbeat' }
    default:
      return null
  }
}
