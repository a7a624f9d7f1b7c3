import { describe, expect, test } from 'vitest'
import {
  formatBudget,
  formatBytes,
  formatNumber,
  formatPercent,
  formatSeconds,
  formatShare,
  formatTick,
  formatUnit,
} from './number'
import { formatAge, formatClock, formatUTC, localTimes, parseTime } from './time'

const plain = (text: string) => text.replaceAll('\u202f', ' ')

describe('numbers', () => {
  test.each([
    [null, '–'],
    [Number.NaN, '–'],
    [0, '0'],
    [0.02, '<0.1'],
    [0.44, '0.4'],
    [4, '4'],
    [3.2, '3.2'],
    [9.97, '10'],
    [412.4, '412'],
    [9949, '9949'],
    [10_000, '10 k'],
    [12_345, '12.3 k'],
    [250_000, '250 k'],
    [1_000_000, '1 M'],
    [1_200_000, '1.2 M'],
  ])('%s is %s', (value, text) => expect(plain(formatNumber(value))).toBe(text))

  test.each([
    [0.121, '12.1 %'],
    [0.0002, '0.02 %'],
    [0, '0.00 %'],
    [0.001, '0.10 %'],
    [0.034, '3.4 %'],
    [0.12, '12 %'],
    [1, '100 %'],
    [null, '–'],
  ])('the ratio %s is %s', (value, text) => expect(plain(formatPercent(value))).toBe(text))

  test.each([
    [0.38, '38 %'],
    [0.9999, '99 %'],
    [1, '100 %'],
    [-0.12, '-12 %'],
    [-0.001, '0 %'],
  ])('the share %s is %s', (value, text) => expect(plain(formatShare(value))).toBe(text))

  test.each([
    [0, '0 ms'],
    [0.00004, '<0.1 ms'],
    [0.0041, '4.1 ms'],
    [0.28, '280 ms'],
    [0.9996, '1.0 s'],
    [1.24, '1.2 s'],
    [75, '75 s'],
    [300, '5 min'],
    [36_000, '10 h'],
    [2_592_000, '30 d'],
  ])('%s seconds are %s', (value, text) => expect(plain(formatSeconds(value))).toBe(text))

  test('budgets', () => {
    expect(plain(formatBudget(0.38))).toBe('38 %')
    expect(plain(formatBudget(-0.12))).toBe('-12 %')
    expect(plain(formatBudget(-141.5))).toBe('142× over')
    expect(plain(formatBudget(-141_500))).toBe('>999× over')
  })

  test('bytes and units', () => {
    expect(plain(formatBytes(27))).toBe('27 B')
    expect(plain(formatBytes(18_400))).toBe('18.4 kB')
    expect(plain(formatBytes(8_600_000_000))).toBe('8.6 GB')
    expect(plain(formatUnit(14.9, 'x'))).toBe('15×')
    expect(plain(formatUnit(412, 'reqps'))).toBe('412/s')
  })

  test('ticks are exact', () => {
    const ticks = [formatTick(0, 's'), formatTick(0.25, 'reqps'), formatTick(0.00005, 's'), formatTick(-0.5, 'percentunit')]
    expect(ticks.map(plain)).toEqual(['0', '0.25/s', '50 µs', '-50 %'])
  })
})

describe('times', () => {
  test.each([
    [-500, '0 s'],
    [8000, '8 s'],
    [185_000, '3 min'],
    [5 * 3_600_000, '5 h'],
    [26 * 3_600_000, '26 h'],
    [50 * 3_600_000, '2 d'],
  ])('%s ms ago is %s', (ms, text) => expect(plain(formatAge(ms))).toBe(text))

  test('UTC and Go’s zero time', () => {
    expect(formatUTC(Date.parse('2026-11-22T14:05:09.123Z'))).toBe('2026-11-22 14:05:09 UTC')
    expect(parseTime('0001-01-01T00:00:00Z')).toBeNull()
    expect(parseTime('')).toBeNull()
    expect(parseTime('nonsense')).toBeNull()
  })
})

test("times in the server's words are those of the viewer's clock", () => {
  const now = Date.parse('2026-11-27T12:00:00Z')
  const clock = formatClock(Date.parse('2026-11-27T15:01:11Z'), now)
  expect(localTimes('silenced by dev until 2026-11-27T15:01:11Z: known', now)).toBe(`silenced by dev until ${clock}: known`)
  expect(localTimes('13 % of events are bad over 5m', now)).toBe('13 % of events are bad over 5m')
})
