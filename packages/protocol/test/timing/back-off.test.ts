import { expect, test } from 'vitest'
import { backOffMs, restartPauseMs } from '../../src/timing/back-off.ts'

const bounds = { firstMs: 50, longestMs: 5000 }
const pauses = (random: () => number) => [0, 1, 2, 6, 7, 50].map(attempt => backOffMs(attempt, bounds, random))

test('a pause doubles with each attempt, up to the longest one', () => {
  // 50 × 2⁶ = 3200; 2⁷ would make it 6400.
  expect(pauses(() => 0.5)).toEqual([50, 100, 200, 3200, 5000, 5000])
})

test('a pause is randomly up to a quarter shorter or longer', () => {
  expect(pauses(() => 0)).toEqual([37.5, 75, 150, 2400, 3750, 3750])
  expect(backOffMs(0, bounds, () => 0.999)).toBeCloseTo(62.5, 0)
})

test('the first restart is immediate, the second comes after the first pause', () => {
  expect([1, 2, 3, 4].map(times => restartPauseMs(times, bounds, () => 0.5))).toEqual([0, 50, 100, 200])
})
