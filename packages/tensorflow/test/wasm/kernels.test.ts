import * as tf from '@tensorflow/tfjs'
import { beforeAll, describe, expect, test } from 'vitest'
import { loadTensorFlow } from '../../src/load.ts'
import { largest, largestDifference } from '../support/compare.ts'
import { pseudoRandom } from '../support/reference-net.ts'

beforeAll(async () => {
  await loadTensorFlow({ backend: 'wasm', version: '4.22.0', reason: 'a test' })
})

/** Shapes and values of tensors as computed by a backend. */
async function compute(backend: 'wasm' | 'cpu', work: () => readonly tf.Tensor[]) {
  await tf.setBackend(backend)
  return work().map(tensor => ({ shape: tensor.shape, values: tensor.dataSync() as Float32Array }))
}

async function expectAgreement(work: () => readonly tf.Tensor[]): Promise<void> {
  const [wasm, cpu] = [await compute('wasm', work), await compute('cpu', work)]
  for (const [index, expected] of cpu.entries()) {
    expect(wasm[index]?.shape).toEqual(expected.shape)
    const difference = largestDifference(wasm[index]!.values, expected.values)
    expect(difference / largest(expected.values)).toBeLessThan(1e-6)
  }
}

type Padding = 'same' | 'valid' | number | tf.backend_util.ExplicitPadding

describe('the WebAssembly gradients of a convolution agree with those of the JavaScript backend', () => {
  test.each<[string, [number, number], [number, number], [number, number], Padding]>([
    ['without padding', [9, 8], [3, 3], [1, 1], 'valid'],
    ['padded to the same size', [9, 8], [3, 3], [1, 1], 'same'],
    ['padded to the same size with an even filter', [9, 8], [2, 4], [1, 1], 'same'],
    ['with strides that leave rows unused', [10, 9], [3, 3], [2, 2], 'valid'],
    ['with strides and padding', [10, 9], [3, 3], [2, 2], 'same'],
    ['with different strides', [10, 9], [3, 2], [3, 1], 'valid'],
    ['with padding as large as the filter', [6, 6], [2, 2], [1, 1], 2],
    [
      'with different explicit padding on each side',
      [7, 6],
      [3, 3],
      [1, 1],
      [
        [0, 0],
        [1, 2],
        [0, 1],
        [0, 0],
      ],
    ],
    ['with a 1×1 filter', [5, 5], [1, 1], [1, 1], 'valid'],
  ])('%s', async (_name, [height, width], [filterHeight, filterWidth], strides, padding) => {
    await expectAgreement(() => {
      const images = tf.tensor4d(pseudoRandom(2 * height * width * 3), [2, height, width, 3])
      const size = filterHeight * filterWidth * 3 * 5
      const filter = tf.tensor4d(pseudoRandom(size), [filterHeight, filterWidth, 3, 5])
      const convolve = (x: tf.Tensor, f: tf.Tensor) =>
        tf.conv2d(x as tf.Tensor4D, f as tf.Tensor4D, strides, padding).square()
      return tf.grads(convolve)([images, filter])
    })
  })
})

describe('WebAssembly matrix products agree with those of the JavaScript backend', () => {
  test.each([
    [false, false],
    [false, true],
    [true, false],
    [true, true],
  ])('with transposeA %s and transposeB %s', async (transposeA, transposeB) => {
    await expectAgreement(() => {
      const a = tf.tensor3d(pseudoRandom(2 * 4 * 6), transposeA ? [2, 6, 4] : [2, 4, 6])
      const b = tf.tensor3d(pseudoRandom(2 * 6 * 5), transposeB ? [2, 5, 6] : [2, 6, 5])
      return [tf.matMul(a, b, transposeA, transposeB)]
    })
  })

  test('in the gradients of a transposed product', async () => {
    await expectAgreement(() => {
      const a = tf.tensor2d(pseudoRandom(4 * 6), [4, 6])
      const b = tf.tensor2d(pseudoRandom(5 * 6), [5, 6])
      return tf.grads((x, y) => tf.matMul(x, y, false, true).square())([a, b])
    })
  })
})
