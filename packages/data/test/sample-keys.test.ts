import { assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { sampleKeys } from '../src/sample-keys.ts'

const firstSamples = (count: number) => Uint32Array.from({ length: count }, (_, index) => index)

// From a C program of the authors' xoshiro128starstar.c, splitmix64.c and lowbias32, compiled with gcc: with seed 7 and
// epoch 3 the generator starts from 7 · 2³² + (2³² − 4) and draws 1334777688 and 822156510; then
// lowbias32(lowbias32(index ^ 1334777688) ^ 822156510) as a signed number.
test('the keys equal those of the reference implementations', () => {
  const indices = Uint32Array.of(0, 1, 2, 39_999, 0xffffffff)
  const expected = Int32Array.of(417998641, 1778442169, -1381760586, -1451541520, -453568837)
  expect(sampleKeys({ seed: 7, epoch: 3, indices })).toEqual(expected)
  const into = new Int32Array(indices.length)
  expect(sampleKeys({ seed: 7, epoch: 3, indices }, into)).toBe(into)
  expect(into).toEqual(expected)
})

test('the key of a sample does not depend on its position or the other samples', () => {
  assert(
    property(
      integer({ min: 0, max: 0xffffffff }),
      integer({ min: 0, max: 100_000 }),
      integer({ min: 0, max: 0xffffffff }),
      (seed, epoch, sample) => {
        const [alone] = sampleKeys({ seed, epoch, indices: Uint32Array.of(sample) })
        const among = sampleKeys({ seed, epoch, indices: Uint32Array.of(5, sample, 9) })
        expect(among[1]).toBe(alone)
      },
    ),
  )
})

test('all keys of an epoch differ, and each sample has another key in the next epoch or with another seed', () => {
  const indices = firstSamples(50_000)
  const keys = sampleKeys({ seed: 1, epoch: 0, indices })
  expect(new Set(keys).size).toBe(50_000)
  for (const other of [
    { seed: 1, epoch: 1 },
    { seed: 2, epoch: 0 },
  ]) {
    const others = sampleKeys({ ...other, indices })
    expect(keys.filter((key, index) => key === others[index])).toEqual(new Int32Array())
  }
})

test('each bit of a key is set for half of the samples, and each bit of the index flips it for half of them', () => {
  const indices = firstSamples(4096)
  const keys = sampleKeys({ seed: 3, epoch: 1, indices })
  const flips = [...Array(12).keys()].map(bit => {
    const neighbours = sampleKeys({ seed: 3, epoch: 1, indices: indices.map(index => index ^ (1 << bit)) })
    return keys.map((key, index) => key ^ neighbours[index]!)
  })
  // 2048 expected; the standard deviation is sqrt(4096 / 4) = 32. Each flip counts twice, for index and neighbour, so
  // the deviation of the flips is sqrt(2) · 32 = 45. The bound is 5 times that.
  for (const words of [keys, ...flips]) {
    for (let bit = 0; bit < 32; bit++) {
      const set = words.reduce((sum, word) => sum + ((word >>> bit) & 1), 0)
      expect(Math.abs(set - 2048)).toBeLessThan(226)
    }
  }
})
