import { expect, test } from 'vitest'
import { createRestarts } from '../../src/local-workers/restarts.ts'

const rule = { deaths: 5, windowMs: 60_000, backOff: { firstMs: 500, longestMs: 1500 } }

/** The pause in ms after each of these deaths, given in seconds; null for no restart. */
function verdicts(...seconds: readonly number[]): (number | null)[] {
  const restarts = createRestarts(rule, () => 0.5)
  return seconds.map(second => restarts(1000 * second))
}

test('the first restart is immediate, later ones follow growing pauses, and none follows the fifth death in a minute', () => {
  expect(verdicts(0, 1, 2, 3, 4)).toEqual([0, 500, 1000, 1500, null])
})

test('deaths of a minute ago do not count', () => {
  expect(verdicts(0, 60, 119, 120, 121, 122)).toEqual([0, 0, 500, 500, 1000, 1500])
})

test('four deaths per minute are always followed by a restart', () => {
  const deaths = Array.from({ length: 100 }, (_, index) => index * 15)
  expect(verdicts(...deaths).slice(4)).toEqual(new Array(96).fill(1500))
})
