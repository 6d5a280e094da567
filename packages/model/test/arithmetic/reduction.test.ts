import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createArithmetic, createTreeReduction, plainArithmetic } from '../../src/arithmetic/index.ts'
import { randomVector } from '../fixtures/random.ts'

const size = 37
const wasm = createArithmetic({ capacityBytes: 1 << 24, kind: 'wasm' })

type Shard = { readonly vector: Float32Array; readonly count: number }

/** Every third shard from the second on is one sample larger, so that no scaling is exact. */
function shardsOf(count: number): readonly Shard[] {
  return Array.from({ length: count }, (_, i) => ({
    vector: randomVector(size, i + 1, [-1, 1]),
    count: i % 3 === 1 ? 8 : 7,
  }))
}

function reduce(shards: readonly (Shard | null)[], order: readonly number[], arithmetic = plainArithmetic) {
  const total = shards.reduce((sum, shard) => sum + (shard?.count ?? 0), 0)
  const reduction = createTreeReduction({ arithmetic, shards: shards.length, total })
  for (const index of order) {
    const shard = shards[index]
    if (shard) reduction.add(index, arithmetic.adopt(shard.vector.slice()), shard.count)
  }
  return reduction.result()
}

function permutations(of: readonly number[]): readonly (readonly number[])[] {
  if (of.length === 0) return [[]]
  return of.flatMap(first => permutations(of.filter(other => other !== first)).map(rest => [first, ...rest]))
}

const indices = (count: number) => Array.from({ length: count }, (_, i) => i)

/** The definition: the mean of the left part, whose size is a power of two, plus that of the right part. */
function meanOfTree(shards: readonly Shard[], total: number): Float32Array {
  if (shards.length === 1) return shards[0]!.vector.map(value => value * (shards[0]!.count / total))
  let half = 1
  while (2 * half < shards.length) half *= 2
  const right = meanOfTree(shards.slice(half), total)
  return meanOfTree(shards.slice(0, half), total).map((value, i) => value + right[i]!)
}

describe('the mean of shards', () => {
  test.each([2, 3, 4, 5])('of %d is the sum over the fixed tree in every order of arrival', count => {
    const shards = shardsOf(count)
    const total = shards.reduce((sum, shard) => sum + shard.count, 0)
    const expected = meanOfTree(shards, total)
    for (const order of permutations(indices(count))) expect(reduce(shards, order)).toEqual(expected)
  })

  test.each([2, 3, 4, 5])('of %d, some of them empty, does not depend on the order of arrival', count => {
    for (let empty = 0; empty < 2 ** count - 1; empty++) {
      const shards = shardsOf(count).map((shard, i) => (empty & (1 << i) ? null : shard))
      const expected = reduce(shards, indices(count))
      for (const order of permutations(indices(count))) expect(reduce(shards, order)).toEqual(expected)
    }
  })

  test('of up to 33 does not depend on the order or on the kind of arithmetic', () => {
    const cases = fc.integer({ min: 1, max: 33 }).chain(count => {
      const order = fc.shuffledSubarray(indices(count), { minLength: count })
      return fc.record({ count: fc.constant(count), order })
    })
    fc.assert(
      fc.property(cases, ({ count, order }) => {
        const shards = shardsOf(count)
        const expected = reduce(shards, indices(count))
        expect(reduce(shards, order)).toEqual(expected)
        expect(reduce(shards, order, wasm)).toEqual(expected)
      }),
    )
  })

  test('of slices is a slice of the mean', () => {
    const shards = shardsOf(5)
    const slices = shards.map(({ vector, count }) => ({ vector: vector.subarray(9, 30), count }))
    expect(reduce(slices, indices(5))).toEqual(reduce(shards, indices(5)).subarray(9, 30))
  })
})

test('neighbours are added as soon as both have arrived, into the vector of the last one', () => {
  const reduction = createTreeReduction({ arithmetic: plainArithmetic, shards: 4, total: 4 })
  const vectors = [1, 2, 3, 4].map(value => Float32Array.of(value))
  const add = (shard: number) => reduction.add(shard, vectors[shard]!, 1)
  add(3)
  add(2)
  // (3 + 4) / 4
  expect(vectors[2]![0]).toBe(1.75)
  add(0)
  expect(reduction.isComplete()).toBe(false)
  add(1)
  expect(reduction.isComplete()).toBe(true)
  expect(reduction.result()).toBe(vectors[1])
  expect(vectors[1]![0]).toBe(2.5)
})

describe('a shard with a target', () => {
  test.each([1, 2, 3, 5, 8])('of %d is only read, and gives the same mean', count => {
    const shards = shardsOf(count)
    const total = shards.reduce((sum, shard) => sum + shard.count, 0)
    for (const arithmetic of [plainArithmetic, wasm]) {
      const reduction = createTreeReduction({ arithmetic, shards: count, total })
      for (const [index, shard] of shards.entries())
        reduction.add(index, shard.vector, shard.count, arithmetic.allocate(size))
      expect(reduction.result()).toEqual(meanOfTree(shards, total))
    }
    expect(shards).toEqual(shardsOf(count))
  })
})

describe('a vector for the mean', () => {
  test.each([1, 2, 3, 4, 5, 33])('of %d shards gets it, and all targets are released', count => {
    const shards = shardsOf(count)
    const total = shards.reduce((sum, shard) => sum + shard.count, 0)
    for (const arithmetic of [plainArithmetic, wasm]) {
      const mean = arithmetic.allocate(size)
      const spent: Float32Array[] = []
      const onSpent = (vector: Float32Array) => spent.push(vector)
      const takeMeanVector = () => mean
      const reduction = createTreeReduction({ arithmetic, shards: count, total, onSpent, takeMeanVector })
      const vectors = shards.map(({ vector }) => arithmetic.adopt(vector.slice()))
      for (const [index, shard] of shards.entries()) reduction.add(index, vectors[index]!, shard.count)
      expect(reduction.result()).toBe(mean)
      expect(mean).toEqual(meanOfTree(shards, total))
      expect(new Set(spent)).toEqual(new Set(vectors))
      expect(spent).toHaveLength(count)
    }
  })

  test('is asked for once, when the last shard arrives; without one the mean is in a target', () => {
    let asked = 0
    const takeMeanVector = () => {
      asked += 1
      return null
    }
    const reduction = createTreeReduction({ arithmetic: plainArithmetic, shards: 3, total: 3, takeMeanVector })
    const vectors = [1, 2, 3].map(value => Float32Array.of(value))
    for (const shard of [2, 0]) reduction.add(shard, vectors[shard]!, 1)
    expect(asked).toBe(0)
    reduction.add(1, vectors[1]!, 1)
    expect(asked).toBe(1)
    expect(vectors).toContain(reduction.result())
  })
})

test('every vector except the mean is released as soon as it has been added to another', () => {
  const cases = fc.integer({ min: 1, max: 33 }).chain(count => {
    const present = fc.shuffledSubarray(indices(count), { minLength: 1 })
    return fc.record({ count: fc.constant(count), present })
  })
  fc.assert(
    fc.property(cases, ({ count, present }) => {
      const spent: Float32Array[] = []
      const onSpent = (vector: Float32Array) => {
        spent.push(vector)
        // The next user overwrites it.
        vector.fill(Number.NaN)
      }
      const reduction = createTreeReduction({
        arithmetic: plainArithmetic,
        shards: count,
        total: present.length,
        onSpent,
      })
      const vectors = present.map(shard => Float32Array.of(shard))
      for (const [i, shard] of present.entries()) reduction.add(shard, vectors[i]!, 1)
      const mean = reduction.result()
      expect(mean[0]).toBeCloseTo(present.reduce((sum, shard) => sum + shard, 0) / present.length, 4)
      expect(new Set([...spent, mean])).toEqual(new Set(vectors))
      expect(spent.length).toBe(present.length - 1)
    }),
  )
})

test('64 shards that arrive in order use at most 7 vectors at a time', () => {
  let [used, most] = [0, 0]
  const onSpent = () => {
    used -= 1
  }
  const reduction = createTreeReduction({ arithmetic: plainArithmetic, shards: 64, total: 64, onSpent })
  for (let shard = 0; shard < 64; shard++) {
    used += 1
    most = Math.max(most, used)
    reduction.add(shard, Float32Array.of(1), 1)
  }
  expect([used, most]).toEqual([1, 7])
})

test('a duplicate, unknown or missing shard throws a RangeError', () => {
  const reduction = createTreeReduction({ arithmetic: plainArithmetic, shards: 2, total: 2 })
  reduction.add(1, Float32Array.of(1), 1)
  expect(() => reduction.add(1, Float32Array.of(1), 1)).toThrow(RangeError)
  expect(() => reduction.add(2, Float32Array.of(1), 1)).toThrow(RangeError)
  expect(() => reduction.result()).toThrow(RangeError)
  expect(() => createTreeReduction({ arithmetic: plainArithmetic, shards: 0, total: 0 }).result()).toThrow(RangeError)
})

test('more samples than expected are an error', () => {
  const reduction = createTreeReduction({ arithmetic: plainArithmetic, shards: 2, total: 3 })
  for (const shard of [0, 1]) reduction.add(shard, Float32Array.of(1), 2)
  expect(() => reduction.result()).toThrow('4 of the 3 samples')
})
