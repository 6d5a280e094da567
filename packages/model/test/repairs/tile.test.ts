import { describe, expect, test } from 'vitest'
import { tf } from '../../src/tfjs.ts'
import { createRandom } from '../fixtures/random.ts'

const cases = [
  { shape: [3], reps: [4] },
  { shape: [2, 3], reps: [1, 1] },
  { shape: [2, 3], reps: [3, 2] },
  { shape: [2, 1, 3], reps: [1, 4, 2] },
  { shape: [1, 1, 1, 3], reps: [2, 3, 4, 1] },
  { shape: [2, 3, 1, 2], reps: [2, 1, 3, 2] },
  // tfjs itself has no gradient in five dimensions.
  { shape: [1, 2, 1, 2, 3], reps: [2, 3, 2, 1, 2] },
]

describe('the gradient of tile is the sum over the repetitions', () => {
  test.each(cases)('of $shape repeated $reps times', async ({ shape, reps }) => {
    await tf.setBackend('cpu')
    const repeatedShape = shape.map((length, axis) => length * reps[axis]!)
    const random = createRandom(5)
    // Small whole numbers: their sums are the same in any order.
    const dy = Float32Array.from({ length: tf.util.sizeFromShape(repeatedShape) }, () => Math.floor(random() * 9))
    const gradient = tf.tidy(() => {
      const gradientOf = tf.grad(x => tf.tile(x, reps))
      return gradientOf(tf.zeros(shape), tf.tensor(dy, repeatedShape))
    })
    expect(gradient.shape).toEqual(shape)
    expect([...gradient.dataSync()]).toEqual(sumOfRepetitions(dy, shape, repeatedShape))
    gradient.dispose()
  })
})

test('the gradient of tile takes no more operations for 1000 repetitions than for 2', async () => {
  await tf.setBackend('cpu')
  const kernelsOf = async (times: number) => {
    const differentiate = () => tf.grad(x => tf.tile(x, [times, 1]))(tf.zeros([1, 2]), tf.ones([times, 2]))
    return (await tf.profile(() => tf.tidy(differentiate))).kernels.length
  }
  expect(await kernelsOf(1000)).toBeLessThanOrEqual(await kernelsOf(2))
})

/**
 * Adds up elements: the one at index i of the repeated tensor is a copy of that at i modulo the length, axis by axis.
 */
function sumOfRepetitions(dy: Float32Array, shape: readonly number[], repeatedShape: readonly number[]): number[] {
  const sums = Array<number>(tf.util.sizeFromShape([...shape])).fill(0)
  const strides = tf.util.computeStrides([...repeatedShape])
  for (const [flat, value] of dy.entries()) {
    const index = tf.util.indexToLoc(flat, repeatedShape.length, strides)
    const source = index.reduce((sum, position, axis) => sum * shape[axis]! + (position % shape[axis]!), 0)
    sums[source]! += value
  }
  return sums
}
