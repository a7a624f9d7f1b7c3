import type { Frame, LogRecord } from '../wire.gen'
import { stamp } from './span'

export const LEVELS = ['debug', 'info', 'warn', 'error'] as const

/** A line with the key that its topic gave it. */
export interface LogLine {
  key: string
  record: LogRecord
}

/** What the server is asked for: a part of the past, and as much of the filter as it knows. */
export interface Search {
  from: number // Unix seconds
  to: number
  level: string
  text: string
  limit: number
}

const MAX_TEXT = 200 // that the server takes
const REQUEST = /^[0-9a-hjkmnp-tv-z]{16}$/ // letters of a request id are hard to confuse

/** The query of a search. The server takes a version, a request and one text; it is given the longest word, the rest is sifted here. */
export function searchQuery({ from, to, level, text, limit }: Search): string {
  const query = new URLSearchParams({ since: stamp(from), until: stamp(to), limit: String(limit) })
  if (level !== 'debug') query.set('level', level)
  let longest = ''
  for (const word of text.toLowerCase().split(/\s+/).filter(Boolean)) {
    const version = /^@([1-9]\d{0,8})$/.exec(word)?.[1]
    if (version) query.set('version', version)
    else if (REQUEST.test(word)) query.set('request', word)
    else if (word.length > longest.length && !/[@="\\]/.test(word)) longest = word
  }
  if (longest) query.set('q', longest.slice(0, MAX_TEXT))
  return query.toString()
}

/** The last `most` lines of at least this level that hold the text, oldest first. */
export function filterLogs(lines: readonly LogLine[], level: string, text: string, most: number): LogLine[] {
  const least = Math.max(0, (LEVELS as readonly string[]).indexOf(level))
  const words = text.toLowerCase().split(/\s+/).filter(Boolean)
  const out: LogLine[] = []
  for (let i = lines.length - 1; i >= 0 && out.length < most; i--) {
    const line = lines[i]
    if (!line) continue
    const { record } = line
    if ((LEVELS as readonly string[]).indexOf(record.level) < least) continue
    if (words.length > 0) {
      const all = `${record.message} ${record.request ?? ''} @${record.version ?? ''} ${fieldsText(record)}`.toLowerCase()
      if (!words.every((word) => all.includes(word))) continue
    }
    out.push(line)
  }
  return out.reverse()
}

/** A line's fields as text: name=value. A stack is not among them, nor an error's name that the message begins with. */
export function fieldsText(record: LogRecord): string {
  if (!record.fields || typeof record.fields !== 'object') return ''
  return Object.entries(record.fields)
    .filter(([name, value]) => !(name === 'stack' && Array.isArray(value)))
    .filter(([name, value]) => !(name === 'error' && typeof value === 'string' && record.message.includes(value)))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
}

/** The mapped stack of a line that has one, a frame a line. */
export function stackText(record: LogRecord): string {
  const stack = record.fields?.stack
  if (!Array.isArray(stack)) return ''
  return (stack as Partial<Frame>[])
    .filter((frame) => typeof frame?.file === 'string')
    .map((frame) => `    at ${frame.function ? `${frame.function} ` : ''}${frame.file}:${frame.line}:${frame.column}`)
    .join('\n')
}
