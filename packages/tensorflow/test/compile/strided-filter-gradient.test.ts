import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, test } from 'vitest'
import { reachable } from '../../src/compile/graph.ts'
import { trace } from '../../src/compile/trace.ts'
import { useTensorFlow } from '../../src/testing/use-tensorflow.ts'

beforeAll(useTensorFlow)

const shape: [number, number, number, number] = [5, 8, 8, 4]
/** The gradient of Σ conv(x, filter)² with respect to a filter of shape [size, size, 4, 3]. */
const filterGradient = (size: number, strides: number) => (x: tf.Tensor4D) =>
  tf.grad(filter => tf.sum(tf.square(tf.conv2d(x, filter as tf.Tensor4D, strides, 'same'))))(
    tf.ones([size, size, 4, 3]),
  )

test('the gradient of a 1×1 filter with strides depends only on the pixels it reads, also when repeated', () => {
  const x = tf.randomUniform(shape, 0, 1, 'float32', 1) as tf.Tensor4D
  const seen = tf.stridedSlice(x, [0, 0, 0, 0], shape, [1, 2, 2, 1]) as tf.Tensor4D
  const expected = filterGradient(1, 1)(seen).dataSync()
  // A write past the end of the memory would show some operations later.
  for (let repeat = 0; repeat < 30; repeat++) expect(filterGradient(1, 2)(x).dataSync()).toEqual(expected)
})

test.each([
  ['extracted first for a 1×1 filter with strides', 1, 2, true],
  ['not extracted for a 1×1 filter without strides', 1, 1, false],
  ['not extracted for a 3×3 filter with strides', 3, 2, false],
] as const)('pixels are %s', (_, size, strides, sliced) => {
  const { outputs } = trace(
    ([x]) => [filterGradient(size, strides)(x as tf.Tensor4D)],
    [{ name: 'x', shape, dtype: 'float32' }],
  )
  const operations = reachable(outputs).map(({ op }) => op)
  expect(operations.includes('StridedSlice')).toBe(sliced)
})
