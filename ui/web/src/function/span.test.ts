import { describe, expect, test } from 'vitest'
import { between, ends, gridOf, shifted, spanOf, spanText, zoomed } from './span'

const NOW = 1_764_220_000

describe('the time that charts show', () => {
  test('is read from the address, and nonsense is the last while', () => {
    expect(spanOf('6h', '15m')).toEqual({ live: '6h' })
    expect(spanOf('1764219000-1764219900', '15m')).toEqual({ live: null, from: 1_764_219_000, to: 1_764_219_900 })
    for (const text of ['', '5h', '9-1', '7-7', '1-', '-1-2', '1e3-2e3', '1.5-9', '1-123456789012', 'toString'])
      expect(spanOf(text, '1h'), text).toEqual({ live: '1h' })
    for (const text of ['24h', '1764219000-1764219900']) expect(spanText(spanOf(text, '15m'))).toBe(text)
  })

  test('is never too short to show anything, nor longer than is kept', () => {
    expect(between(1000.4, 1002.4)).toEqual({ live: null, from: 986, to: 1016 })
    expect(between(2000, 1000)).toEqual({ live: null, from: 1000, to: 2000 })
    const { from, to } = ends(between(0, NOW), NOW)
    expect(to - from).toBe(95 * 86_400)
  })

  test('grows and shrinks around a moment, and never into what is to come', () => {
    const past = between(NOW - 3600, NOW - 1800)
    expect(zoomed(past, 2, NOW)).toEqual(between(NOW - 4500, NOW - 900))
    expect(zoomed(past, 0.5, NOW, NOW - 3600)).toEqual(between(NOW - 3600, NOW - 2700))
    expect(zoomed({ live: '1h' }, 2, NOW)).toEqual(between(NOW - 7200, NOW))
    expect(zoomed(zoomed(past, 0.5, NOW), 2, NOW)).toEqual(past)
  })

  test('moves by a share of its length, and stops at now', () => {
    expect(shifted({ live: '1h' }, -0.5, NOW)).toEqual(between(NOW - 5400, NOW - 1800))
    expect(shifted(between(NOW - 5400, NOW - 1800), 0.5, NOW)).toEqual(between(NOW - 3600, NOW))
    expect(shifted(between(NOW - 3600, NOW), 0.5, NOW)).toEqual(between(NOW - 3600, NOW))
  })

  test('is asked for at few moments, which cover it', () => {
    expect(gridOf({ live: '1h' }, 7211, 15)).toEqual({ start: 3600, end: 7200, step: 20, rateWindow: '60s' })
    expect(gridOf({ live: '7d' }, 10_000_000, 15).rateWindow).toBe('3375s')
    expect(gridOf(between(1001, 1061), NOW, 15)).toEqual({ start: 1000, end: 1065, step: 5, rateWindow: '60s' })
    expect(gridOf(between(1001, 1061), NOW, 1)).toEqual({ start: 1001, end: 1061, step: 1, rateWindow: '4s' })
    expect(gridOf(between(1001, 1061), NOW, 0).step).toBe(5) // the interval is not known yet
    for (const [from, to] of [
      [0, 1],
      [NOW - 100_001, NOW],
    ] as const) {
      const span = between(from, to)
      const grid = gridOf(span, NOW, 15)
      expect(grid.start).toBeLessThanOrEqual(ends(span, NOW).from)
      expect(grid.end).toBeGreaterThanOrEqual(ends(span, NOW).to)
      expect((grid.end - grid.start) / grid.step).toBeLessThan(200)
    }
  })
})
