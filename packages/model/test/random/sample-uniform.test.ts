import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, expect, test } from 'vitest'
import { sampleChance, sampleUniform } from '../../src/random/sample-uniform.ts'
import { tf } from '../../src/tfjs.ts'
import { computeEverywhere, hashEverywhere } from '../fixtures/backends.ts'

beforeAll(useTensorFlow)

const consecutive = (count: number) => Int32Array.from({ length: count }, (_, index) => index)

function uniform(keys: Int32Array, stream: number, shape: readonly number[]): Float32Array {
  return tf.tidy(() => sampleUniform(tf.tensor1d(keys, 'int32'), stream, shape).dataSync() as Float32Array)
}

/** Pearson's correlation of two series that are uniform over [0, 1), so that their variance is 1/12. */
function correlation(a: Float32Array, b: Float32Array): number {
  let sum = 0
  for (let index = 0; index < a.length; index++) sum += (a[index]! - 0.5) * (b[index]! - 0.5)
  return sum / (a.length / 12)
}

// From a C program: with m(x) the hash lowbias32 on uint32_t and h(x) the same without its last step, the highest 24
// bits of h(key ^ m(m(j) ^ m(stream))), minus 2²³ for the turned sign, over 2²⁴.
test('the numbers equal those of the formula in C on every backend and in a compiled graph', async () => {
  const keys = Int32Array.of(0, 1, -1, 123_456_789)
  const expected = Float32Array.from(
    [
      [3_466_350, 3_039_770, 757_658],
      [11_126_291, 8_101_986, 13_056_929],
      [1_856_968, 2_635_850, 7_896_426],
      [5_791_074, 2_682_723, 9_329_656],
    ].flat(),
    word => word / 2 ** 24,
  )
  const results = await computeEverywhere(keys, tensor => sampleUniform(tensor, 3, [3]))
  expect(results).toEqual({ cpu: expected, wasm: expected, tensorflow: expected, compiled: expected })
})

test('large draws are bit-identical on every backend and in a compiled graph, also for negative streams', async () => {
  const keys = Int32Array.from({ length: 10 }, (_, index) => Math.imul(index, 0x9e3779b1))
  for (const [stream, shape] of [
    [-1, [7, 5, 30]],
    [2 ** 31 - 1, [70_000]],
  ] as const) {
    const hashes = await hashEverywhere(keys, tensor => sampleUniform(tensor, stream, shape))
    expect(new Set(hashes).size).toBe(1)
  }
})

test('the numbers of a sample do not depend on the other samples', () => {
  const [first, second] = [uniform(Int32Array.of(5, 6), 1, [4]), uniform(Int32Array.of(9, 8, 5), 1, [4])]
  expect(first.subarray(0, 4)).toEqual(second.subarray(8))
})

test('the shape is the number of samples followed by the given shape', () => {
  const shapes = tf.tidy(() => {
    const keys = tf.tensor1d([1, 2], 'int32')
    return [sampleUniform(keys, 0, []).shape, sampleUniform(keys, 0, [3, 1, 4]).shape]
  })
  expect(shapes).toEqual([[2], [2, 3, 1, 4]])
})

test('the numbers are in [0, 1), have 24 bits and are uniform', () => {
  const values = uniform(consecutive(1000), 0, [256])
  const counts = new Array<number>(256).fill(0)
  let odd = 0
  for (const value of values) {
    const word = value * 2 ** 24
    if (!Number.isInteger(word) || word < 0 || word >= 2 ** 24) throw new Error(`${value} is not one of 2²⁴ steps`)
    counts[Math.floor(value * 256)]!++
    odd += word % 2
  }
  // χ² of 255 degrees of freedom has a standard deviation of sqrt(2 · 255) = 23, the count of odd ones one of
  // sqrt(256,000)/2 = 253.
  const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0)
  expect(Math.abs(chiSquare - 255)).toBeLessThan(5 * 23)
  expect(Math.abs(odd - 128_000)).toBeLessThan(5 * 253)
})

// Of 256,000 pairs: a correlation of independent series has a standard deviation of 1/sqrt(256,000) = 0.002.
test('neighbouring elements, samples and streams are uncorrelated', () => {
  const values = uniform(consecutive(1000), 0, [256])
  const shifted = [1, 2, 16, 256, 257, 512].map(lag => [values.subarray(0, -lag), values.subarray(lag)] as const)
  const others = [1, 2, -1, 256].map(stream => [values, uniform(consecutive(1000), stream, [256])] as const)
  for (const [a, b] of [...shifted, ...others]) expect(Math.abs(correlation(a, b))).toBeLessThan(5 * 0.002)
})

test('each bit of a key flips half of the bits of its numbers', () => {
  const keys = Int32Array.from({ length: 500 }, (_, index) => Math.imul(index, 0x9e3779b1))
  const words = (input: Int32Array) => Uint32Array.from(uniform(input, 0, [8]), value => value * 2 ** 24)
  const before = words(keys)
  for (let bit = 0; bit < 32; bit++) {
    const after = words(keys.map(key => key ^ (1 << bit)))
    for (let drawn = 0; drawn < 24; drawn++) {
      const flips = before.reduce((sum, word, index) => sum + (((word ^ after[index]!) >>> drawn) & 1), 0)
      // 2000 of 4000 expected, with a standard deviation of sqrt(4000)/2 = 32.
      expect(Math.abs(flips - 2000)).toBeLessThan(5 * 32)
    }
  }
})

test('sampleChance is true with the given probability', () => {
  for (const probability of [0, 0.001, 0.3, 0.5, 1]) {
    const hits = tf.tidy(
      () => tf.sum(sampleChance(tf.tensor1d(consecutive(1000), 'int32'), 4, [256], probability)).dataSync()[0]!,
    )
    const deviation = Math.sqrt(256_000 * probability * (1 - probability))
    expect(Math.abs(hits - 256_000 * probability)).toBeLessThanOrEqual(5 * deviation)
  }
})

test('sampleChance is the same on every backend and in a compiled graph', async () => {
  const hashes = await hashEverywhere(consecutive(20), tensor =>
    tf.cast(sampleChance(tensor, 2, [100], 0.4), 'float32'),
  )
  expect(new Set(hashes).size).toBe(1)
})
