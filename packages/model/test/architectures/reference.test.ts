import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildModel } from '../../src/architectures/index.ts'
import { readWeights } from '../../src/flat-weights.ts'
import { createLayout } from '../../src/layout.ts'
import { tf } from '../../src/tfjs.ts'
import { weightsSha256 } from '../../src/weights-hash.ts'
import { runNode } from '../fixtures/run-node.ts'

const models: tf.LayersModel[] = []

beforeAll(useTensorFlow)
afterAll(() => {
  for (const model of models) model.dispose()
})

function build(seed: number, classes = 10) {
  const model = buildModel('reference', { classes, seed })
  models.push(model)
  const layout = createLayout(model)
  return { model, layout, weights: readWeights(model, layout) }
}

test.each([
  { classes: 10, parameters: 258_762 },
  { classes: 100, parameters: 270_372 },
])('the net with $classes classes has $parameters parameters', ({ classes, parameters }) => {
  const { model } = build(1, classes)
  // conv 3·3·3·32 + 32, 3·3·32·64 + 64, 3·3·64·128 + 128; dense 512·256 + 256, 256·128 + 128, 128·classes + classes
  expect(model.countParams()).toBe(parameters)
  expect(896 + 18_496 + 73_856 + 131_328 + 32_896 + 129 * classes).toBe(model.countParams())
})

test('kernels are initialized uniformly within the limits of Glorot and Bengio, and biases to zero', () => {
  const { layout, weights } = build(1)
  // √(6 / (fan in + fan out)), where a 3x3 convolution has 9 times its channels as fans.
  const limits: Readonly<Record<string, number>> = {
    'conv1/kernel': Math.sqrt(6 / (9 * (3 + 32))),
    'conv2/kernel': Math.sqrt(6 / (9 * (32 + 64))),
    'conv3/kernel': Math.sqrt(6 / (9 * (64 + 128))),
    'dense1/kernel': Math.sqrt(6 / (512 + 256)),
    'dense2/kernel': Math.sqrt(6 / (256 + 128)),
    'classes/kernel': Math.sqrt(6 / (128 + 10)),
  }
  for (const { name, offset, size } of layout.entries) {
    const values = weights.subarray(offset, offset + size)
    const limit = Math.fround(limits[name] ?? 0)
    expect(
      values.every(value => Math.abs(value) <= limit),
      name,
    ).toBe(true)
    const meanSquare = values.reduce((sum, value) => sum + value * value, 0) / size
    // A uniform variable has variance limit²/3, its estimate from n values a relative error of √(4/5n): at most 0.03
    // for the 864 values of conv1, of which four standard deviations are allowed.
    expect(Math.abs(meanSquare - limit ** 2 / 3), name).toBeLessThanOrEqual(0.12 * (limit ** 2 / 3))
  }
})

test('the same seed gives the same weights, and another seed gives others', () => {
  const hashes = [build(1), build(1), build(2), build(0)].map(({ weights }) => weightsSha256(weights))
  expect(hashes[1]).toBe(hashes[0])
  expect(new Set(hashes).size).toBe(3)
})

test('a process without native TensorFlow initializes the same bits', async () => {
  expect(tf.getBackend()).toBe('tensorflow')
  expect(await runNode('hash-initial-weights.mjs', ['reference', '1'])).toBe(weightsSha256(build(1).weights))
})

test('every layer draws different numbers', () => {
  const { layout, weights } = build(1)
  const kernels = layout.entries.filter(({ name }) => name.endsWith('kernel'))
  // Kernels drawn from the same stream would have the same ratio of their first two weights.
  const beginnings = kernels.map(({ offset }) => (weights[offset + 1]! / weights[offset]!).toFixed(3))
  expect(new Set(beginnings).size).toBe(kernels.length)
})

test('the net maps raw pixels to class probabilities', () => {
  const { model } = build(1, 100)
  expect(model.inputs[0]!.shape).toEqual([null, 32, 32, 3])
  const probabilities = tf.tidy(() => {
    const pixels = tf.randomUniform([2, 32, 32, 3], 0, 255, 'float32', 5)
    return (model.predict(pixels) as tf.Tensor2D).arraySync()
  })
  for (const row of probabilities) {
    expect(row.reduce((sum, probability) => sum + probability)).toBeCloseTo(1, 5)
    // With initial weights, inputs in 0..1 keep all classes near 1/100; inputs in 0..255 would not.
    expect(Math.max(...row)).toBeLessThan(0.03)
  }
})
