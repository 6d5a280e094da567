import { describe, expect, test } from 'vitest'
import { plainArithmetic, roundingKey } from '../../src/arithmetic/index.ts'
import { hardVector } from '../fixtures/floats.ts'

const { roundToBfloat16, expandBfloat16 } = plainArithmetic

function rounded(values: Float32Array, key: number, firstIndex = 0): Float32Array {
  const halves = new Uint16Array(values.length)
  roundToBfloat16(values, halves, key, firstIndex)
  const expanded = new Float32Array(values.length)
  expandBfloat16(halves, expanded)
  return expanded
}

describe('rounding to bfloat16', () => {
  test('does not change values that bfloat16 can represent', () => {
    const exact = Float32Array.of(0, -0, 1, -1.5, 2 ** -133, 0.0078125, Number.POSITIVE_INFINITY, -(2 ** 127))
    for (let key = 0; key < 100; key++) expect(rounded(exact, key)).toEqual(exact)
  })

  test('picks one of the two neighbours at random', () => {
    // bfloat16 has 7 fraction bits: the value after 1 is 1 + 2⁻⁷.
    const draws = new Set(rounded(new Float32Array(100).fill(1 + 2 ** -9), 5))
    expect(draws).toEqual(new Set([1, 1 + 2 ** -7]))
  })

  test('keeps infinities and NaNs with any payload, and turns no number into NaN', () => {
    const bits = Int32Array.of(0x7f800001, 0x7fffffff, 0x7f80ffff, 0x7fc00000, -1, -0x7fffff)
    expect(rounded(new Float32Array(bits.buffer), 3)).toEqual(new Float32Array(bits.length).fill(Number.NaN))
    const values = hardVector(5000, 11)
    const after = rounded(values, 12)
    for (let i = 0; i < values.length; i++) {
      expect(Number.isNaN(after[i])).toBe(Number.isNaN(values[i]))
      if (Math.abs(values[i]!) === Number.POSITIVE_INFINITY) expect(after[i]).toBe(values[i])
    }
  })

  test.each([0.001, 0.25, 0.5, 0.8, 0.999])('is unbiased for a value %d of the way to the next', way => {
    const draws = 100_000
    // Rounded to 16 bits, so that the float32 below is exact.
    const fraction = Math.round(way * 2 ** 16) / 2 ** 16
    const after = rounded(new Float32Array(draws).fill(-(1 + fraction * 2 ** -7)), 77)
    const ups = after.reduce((count, value) => count + (value === -1 ? 0 : 1), 0)
    // The count is binomial; 5 standard deviations are exceeded once in 1.7 million.
    const deviation = Math.sqrt(draws * fraction * (1 - fraction))
    expect(Math.abs(ups - draws * fraction)).toBeLessThan(5 * deviation)
  })

  test('of one element is unbiased over the steps of a run', () => {
    const steps = 20_000
    const value = Float32Array.of(3 + 2 ** -8)
    let sum = 0
    for (let step = 0; step < steps; step++) sum += rounded(value, roundingKey(1, step, 0), 4711)[0]! - 3
    // Between 3 and 3 + 2⁻⁶, a quarter of the way: variance 3/16 · 2⁻¹² per draw.
    expect(Math.abs(sum - steps * 2 ** -8)).toBeLessThan(5 * Math.sqrt((steps * 3) / 16) * 2 ** -6)
  })

  test('of a slice equals that of the whole vector', () => {
    const values = hardVector(1000, 21).map(value => (Number.isNaN(value) ? 1.234 : value))
    expect(rounded(values.subarray(333, 700), 9, 333)).toEqual(rounded(values, 9).subarray(333, 700))
  })
})

describe('rounding keys', () => {
  test('differ between seeds, steps, shards and the mean', () => {
    const keys = new Set<number>()
    for (let seed = 0; seed < 10; seed++) {
      for (let step = 0; step < 100; step++) {
        keys.add(roundingKey(seed, step, 'mean'))
        for (let shard = 0; shard < 9; shard++) keys.add(roundingKey(seed, step, shard))
      }
    }
    // Of the 10⁸ / 2 pairs of 10⁴ random 32-bit values, 0.01 are expected to coincide.
    expect(keys.size).toBe(10_000)
  })

  test('have the expected values for seed 1 and step 7', () => {
    // mix32(mix32(mix32(1) ^ 7) ^ 1), and ^ 0 for the mean, computed separately with unbounded integers.
    expect([roundingKey(1, 7, 0), roundingKey(1, 7, 'mean')]).toEqual([3_638_984_178 - 2 ** 32, 660_605_525])
  })

  test('give independent roundings', () => {
    const values = new Float32Array(100_000).fill(1 + 2 ** -8)
    const [one, other] = [rounded(values, roundingKey(1, 7, 0)), rounded(values, roundingKey(1, 7, 1))]
    const alike = one.reduce((count, value, i) => count + (value === other[i] ? 1 : 0), 0)
    // Both round up with probability 1/2: they agree in half of the cases, with a standard deviation of
    // √100,000 / 2 = 158.
    expect(Math.abs(alike - 50_000)).toBeLessThan(5 * 158)
  })
})
