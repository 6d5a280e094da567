import { expect, test } from 'vitest'
import { cosineOfHalfTurn, swing } from '../../src/schedules/half-turn.ts'

test('cosineOfHalfTurn equals Math.cos within 1e-15', () => {
  const worst = Array.from({ length: 100_001 }, (_, i) => i / 100_000).reduce(
    (largest, turn) => Math.max(largest, Math.abs(cosineOfHalfTurn(turn) - Math.cos(Math.PI * turn))),
    0,
  )
  expect(worst).toBeLessThan(1e-15)
})

test('cosineOfHalfTurn is exact at both ends and in the middle, and antisymmetric about the middle', () => {
  expect([0, 0.5, 1].map(cosineOfHalfTurn)).toEqual([1, 0, -1])
  expect(cosineOfHalfTurn(0.8125)).toBe(-cosineOfHalfTurn(0.1875))
})

test('cosineOfHalfTurn is exactly √½ at a quarter and near 0.5 at a third', () => {
  // cos(π/4) = √½ = 0.70710678118654752440…, of which the nearest float64 is 0x3fe6a09e667f3bcd.
  expect(cosineOfHalfTurn(0.25)).toBe(Math.SQRT1_2)
  // cos(π/3) = 1/2, within the rounding of 1/3 and π.
  expect(cosineOfHalfTurn(1 / 3)).toBeCloseTo(0.5, 15)
})

test('a swing goes up or down from one number to the other, through their mean', () => {
  expect([0, 0.5, 1].map(progress => swing(4, 2, progress))).toEqual([4, 3, 2])
  expect([0, 0.5, 1].map(progress => swing(-1, 3, progress))).toEqual([-1, 1, 3])
})
