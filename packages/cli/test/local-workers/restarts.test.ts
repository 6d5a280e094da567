import { expect, test } from 'vitest'
import { createRestarts } from '../../src/local-workers/restarts.ts'

const rule = { deaths: 5, windowMs: 60_000, backOff: { firstMs: 500, longestMs: 1500 } }

/** What follows on deaths at these seconds. */
function verdicts(...seconds: readonly number[]): (number | null)[] {
  const restarts = createRestarts(rule, () => 0.5)
  return seconds.map(second => restarts(1000 * second))
}

test('the first restart comes at once, the next ones after growing pauses, and the fifth death in a minute is the last', () => {
  expect(verdicts(0, 1, 2, 3, 4)).toEqual([0, 500, 1000, 1500, null])
})

test('deaths that lie a minute back are forgotten', () => {
  expect(verdicts(0, 60, 119, 120, 121, 122)).toEqual([0, 0, 500, 500, 1000, 1500])
})

test('four deaths in every minute are borne', () => {
  const deaths = Array.from({ length: 100 }, (_, index) => index * 15)
  expect(verdicts(...deaths).slice(4)).toEqual(new Array(96).fill(1500))
})
