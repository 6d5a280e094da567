import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createTreeReduction, plainArithmetic } from '../../src/arithmetic/index.ts'

type WeightedGradient = { readonly gradient: Float32Array; readonly count: number }

function reduceGradients(shards: readonly (WeightedGradient | null)[]): Float32Array {
  const total = shards.reduce((sum, shard) => sum + (shard?.count ?? 0), 0)
  const reduction = createTreeReduction({ arithmetic: plainArithmetic, shards: shards.length, total })
  for (const [index, shard] of shards.entries()) {
    if (shard !== null) reduction.add(index, shard.gradient, shard.count)
  }
  return reduction.result()
}

const shard = (count: number, ...values: readonly number[]): WeightedGradient => ({
  gradient: Float32Array.from(values),
  count,
})
const copy = (shards: readonly (WeightedGradient | null)[]) =>
  shards.map(each => each && { ...each, gradient: each.gradient.slice() })

describe('the mean of shards', () => {
  test('is weighted by sample count and rounded to float32 after each operation', () => {
    const shards = [shard(13, 1), shard(13, 2), shard(12, 3), shard(12, 4)]
    // (13·1 + 13·2 + 12·3 + 12·4) / 50 = 123 / 50 = 2.46
    const [mean] = reduceGradients(shards)
    expect(mean).toBeCloseTo(2.46, 6)
    const scaled = [1 * (13 / 50), 2 * (13 / 50), 3 * (12 / 50), 4 * (12 / 50)].map(Math.fround)
    const [left, right] = [Math.fround(scaled[0]! + scaled[1]!), Math.fround(scaled[2]! + scaled[3]!)]
    expect(mean).toBe(Math.fround(left + right))
  })

  test('is the gradient itself if there is one shard', () => {
    const gradient = Float32Array.of(0.1, -3, 1e-40)
    expect(reduceGradients([{ gradient: gradient.slice(), count: 7 }])).toEqual(gradient)
    expect(reduceGradients([null, { gradient: gradient.slice(), count: 7 }, null])).toEqual(gradient)
  })

  test('skips empty shards', () => {
    // (2·3 + 1·6) / 3 = 4
    expect([...reduceGradients([shard(2, 3), null, shard(1, 6), null])]).toEqual([4])
  })

  test('of no samples throws a RangeError', () => {
    expect(() => reduceGradients([null, null])).toThrow(RangeError)
    expect(() => reduceGradients([])).toThrow(RangeError)
  })
})

describe('the tree', () => {
  // With ε = 2⁻²⁴, half the distance from 1 to the next float32, 1 + ε is 1 again but 1 + 2ε is more.
  const epsilon = 2 ** -24

  test('of three shards adds the third to the sum of the first two', () => {
    // Counts 1, 1, 2 scale by powers of two, which is exact: the addends are 1, ε and ε, or ε, ε and 1.
    expect(reduceGradients([shard(1, 4), shard(1, 4 * epsilon), shard(2, 2 * epsilon)])[0]).toBe(1)
    expect(reduceGradients([shard(1, 4 * epsilon), shard(1, 4 * epsilon), shard(2, 2)])[0]).toBe(1 + 2 * epsilon)
  })

  test('of four shards adds the sums of two pairs', () => {
    const quarter = (value: number) => shard(1, 4 * value)
    expect(reduceGradients([1, epsilon, epsilon, 0].map(quarter))[0]).toBe(1)
    expect(reduceGradients([1, 0, epsilon, epsilon].map(quarter))[0]).toBe(1 + 2 * epsilon)
  })

  test('keeps its shape if shards are empty', () => {
    // The pairs are (1, nothing) and (ε, ε), as if the second shard were zero.
    const shards = [shard(2, 2), null, shard(1, 4 * epsilon), shard(1, 4 * epsilon)]
    expect(reduceGradients(shards)[0]).toBe(1 + 2 * epsilon)
  })
})

describe('for any shards', () => {
  const size = 5
  const anyShard = fc.record({
    gradient: fc
      .array(fc.float({ noNaN: true, noDefaultInfinity: true, min: -1000, max: 1000 }), {
        minLength: size,
        maxLength: size,
      })
      .map(values => Float32Array.from(values)),
    count: fc.integer({ min: 1, max: 1000 }),
  })
  const anyShards = fc
    .array(fc.option(anyShard, { freq: 4 }), { minLength: 1, maxLength: 20 })
    .filter(shards => shards.some(each => each !== null))

  test('the mean equals that of float64 arithmetic within the rounding of float32', () => {
    fc.assert(
      fc.property(anyShards, shards => {
        const present = shards.filter(each => each !== null)
        const total = present.reduce((sum, { count }) => sum + count, 0)
        const mean = reduceGradients(copy(shards))
        for (let i = 0; i < size; i++) {
          const terms = present.map(({ gradient, count }) => (gradient[i]! * count) / total)
          const exact = terms.reduce((sum, term) => sum + term, 0)
          const magnitude = terms.reduce((sum, term) => sum + Math.abs(term), 0)
          // One rounding of each product, one for each level of the tree, each of at most 2⁻²⁴ of the magnitude;
          // subnormal products are rounded to multiples of 2⁻¹⁴⁹.
          const roundings = 1 + Math.ceil(Math.log2(shards.length + 1))
          const bound = (roundings + 1) * 2 ** -24 * magnitude + shards.length * 2 ** -149
          expect(Math.abs(mean[i]! - exact)).toBeLessThanOrEqual(bound)
        }
      }),
    )
  })
})
