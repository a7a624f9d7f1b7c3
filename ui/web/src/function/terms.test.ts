import { expect, test } from 'vitest'
import { parseTerms, sameTerms, type Terms, termsOf, yamlOf } from './terms'

const slo = {
  window: '30d',
  objectives: [
    { name: 'availability', ratio: 0.999 },
    { name: 'latency-p99', ratio: 0.99, threshold: 0.3 },
    { name: 'latency-p57', ratio: 0.57, threshold: 1.5 },
  ],
}

test('objectives go into a form and come out of it as they were', () => {
  const terms = termsOf(slo)
  expect(terms.availability).toBe('99.9')
  expect(terms.latency.map((l) => `${l.quantile} ${l.threshold}`)).toEqual(['99 300ms', '57 1.5s'])
  expect(parseTerms(terms).slo).toEqual({
    availability: 99.9,
    latency: [
      { quantile: 0.99, threshold: '300ms' },
      { quantile: 0.57, threshold: '1.5s' },
    ],
    window: '30d',
  })
  expect(sameTerms(terms, { ...terms, availability: ' 99,90 %' })).toBe(true)
  expect(sameTerms(terms, { ...terms, window: '7d' })).toBe(false)
})

test('what cannot be promised is said', () => {
  const terms = termsOf(slo)
  const row = (change: object): Terms => ({ ...terms, latency: [{ key: 0, quantile: '99', threshold: '1s', ...change }] })
  for (const availability of ['', '100', '49', 'all', '9e1', '-99'])
    expect(parseTerms({ ...terms, availability }).wrong).toMatch(/99\.9/)
  for (const quantile of ['', '0.99', '100']) expect(parseTerms(row({ quantile })).wrong).toMatch(/such as 99/)
  for (const threshold of ['', '300', 'soon', '1 h ago', '-1s']) expect(parseTerms(row({ threshold })).wrong).toMatch(/300ms/)
  expect(parseTerms(row({ threshold: '1 m 30 s' })).slo?.latency).toEqual([{ quantile: 0.99, threshold: '1m30s' }])
})

test('they are shown as hadron.yaml has them', () => {
  expect(yamlOf({ availability: 99.95, latency: [{ quantile: 0.99, threshold: '300ms' }], window: '7d' })).toBe(
    'slo:\n  availability: 99.95\n  latency:\n    - { quantile: 0.99, threshold: 300ms }\n  window: 7d\n',
  )
  expect(yamlOf({ availability: 90, latency: [], window: '1h' })).toContain('latency: []')
})
