import { epochOrder, gather, sampleKeys } from '@lockstep/data'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type EpochBatches, epochBatches, largestShard } from '../../src/training/batches.ts'
import { makeSplit, sampleNumbers, tinyConfig } from '../support/tiny-plan.ts'

const split = makeSplit(33, 1)
const samplesOf = (batches: EpochBatches, batch: number) =>
  batches.shards(batch).map(({ read }) => sampleNumbers(read().pixels))

describe('the batches of an epoch', () => {
  test('are cut evenly into shards, larger ones first, and the last batch holds the rest', () => {
    const batches = epochBatches(split, { ...tinyConfig, batchSize: 10, shards: 4 }, 1)
    expect(batches.batches).toBe(4)
    const counts = (batch: number) => batches.shards(batch).map(({ shard, count }) => [shard, count])
    // 10 = 3 + 3 + 2 + 2; the last batch has 33 − 3 · 10 = 3 samples, so that shard 3 has none and is left out.
    for (const batch of [0, 1, 2])
      expect(counts(batch)).toEqual([
        [0, 3],
        [1, 3],
        [2, 2],
        [3, 2],
      ])
    expect(counts(3)).toEqual([
      [0, 1],
      [1, 1],
      [2, 1],
    ])
  })

  test('follow the order of the epoch', () => {
    const order = epochOrder({ seed: tinyConfig.seed, epoch: 3, count: split.count })
    const batches = epochBatches(split, tinyConfig, 3)
    const visited = [0, 1, 2, 3].flatMap(batch => samplesOf(batches, batch).flat())
    expect(visited).toEqual([...order])
  })

  test('carry the pixels, labels and keys of their samples', () => {
    const order = epochOrder({ seed: tinyConfig.seed, epoch: 1, count: split.count })
    const second = epochBatches(split, tinyConfig, 1).shards(1)[1]!.read()
    // Batch 1 begins at 10, its shard 1 at 10 + 3.
    const indices = order.subarray(13, 16)
    const keys = sampleKeys({ seed: tinyConfig.seed, epoch: 1, indices })
    expect(second).toEqual({ ...gather(split, indices), keys })
  })

  test('are read into memory that is given for them', () => {
    const shard = epochBatches(split, tinyConfig, 1).shards(1)[1]!
    const expected = structuredClone(shard.read())
    const into = {
      pixels: new Uint8Array(expected.pixels.length),
      labels: new Uint8Array(shard.count),
      keys: new Int32Array(shard.count),
    }
    const samples = shard.read(into)
    expect(samples).toEqual(expected)
    expect(into).toEqual(expected)
    expect(samples.pixels.buffer).toBe(into.pixels.buffer)
  })

  test('read all their shards into the same memory', () => {
    const shards = epochBatches(split, tinyConfig, 1).shards(0)
    const buffers = new Set(shards.map(({ read }) => read().pixels.buffer))
    expect(buffers.size).toBe(1)
  })

  test('read the same samples in any order and when read again', () => {
    const batches = epochBatches(split, tinyConfig, 1)
    const shards = batches.shards(2)
    const copies = (list: typeof shards) => list.map(({ read }) => structuredClone(read()))
    expect(copies(shards)).toEqual(copies([...shards].reverse()).reverse())
  })

  test('hold every sample once, for any sizes', () => {
    const sizes = fc.record({ batchSize: fc.integer({ min: 1, max: 40 }), shards: fc.integer({ min: 1, max: 12 }) })
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 33 }), fc.integer({ min: 1, max: 5 }), (cut, count, epoch) => {
        const part = { ...split, count }
        const batches = epochBatches(part, { ...tinyConfig, ...cut }, epoch)
        const visited: number[] = []
        for (let batch = 0; batch < batches.batches; batch++) {
          for (const shard of batches.shards(batch)) {
            const samples = sampleNumbers(shard.read().pixels)
            expect(samples).toHaveLength(shard.count)
            expect(shard.count).toBeGreaterThan(0)
            expect(shard.shard).toBeLessThan(cut.shards)
            visited.push(...samples)
          }
        }
        expect(visited.sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, index) => index))
      }),
    )
  })
})

test('the largest shard has its part of a batch, or of all samples if these are fewer', () => {
  // 50 / 3 = 16.7; 10 / 3 = 3.3.
  const config = { ...tinyConfig, batchSize: 50, shards: 3 }
  expect([largestShard(config, 1000), largestShard(config, 10)]).toEqual([17, 4])
})
