import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { buildModel } from '../../src/architectures/index.ts'
import { readWeights } from '../../src/flat-weights.ts'
import { createLayout } from '../../src/layout.ts'
import { tf } from '../../src/tfjs.ts'
import { weightsSha256 } from '../../src/weights-hash.ts'
import { runNode } from '../fixtures/run-node.ts'
import { waveSamples } from '../fixtures/samples.ts'

const presets = ['vgg-bn', 'resnet20', 'mobilenet'] as const
type Preset = (typeof presets)[number]

beforeAll(useTensorFlow)

function build(preset: Preset, seed = 1, classes = 10): tf.LayersModel {
  const model = buildModel(preset, { classes, seed })
  onTestFinished(() => void model.dispose())
  return model
}

const sizeOf = (weights: readonly tf.LayerVariable[]) =>
  weights.reduce((sum, { shape }) => sum + tf.util.sizeFromShape(shape as number[]), 0)

function hashOf(model: tf.LayersModel): string {
  return weightsSha256(readWeights(model, createLayout(model)))
}

/**
 * The number of kernel weights; of normalized channels, each with a trainable scale and shift and a moving mean and
 * variance; and of features before the output layer, which has a weight per feature and class.
 */
const counts: Readonly<Record<Preset, readonly [kernels: number, channels: number, features: number]>> = {
  // 3×3 convolutions over 3, 32, 64, 64, 128, 128 and 256 channels.
  'vgg-bn': [
    9 * (3 * 32 + 32 * 64 + 64 * 64 + 64 * 128 + 128 * 128 + 128 * 256 + 256 * 256),
    32 + 2 * (64 + 128 + 256),
    256,
  ],
  // The stem; per stage six 3×3 convolutions, the first of the second and third stage over half the channels; two 1×1
  // projections.
  resnet20: [
    9 * (3 * 16 + 6 * 16 ** 2 + 32 * (16 + 5 * 32) + 64 * (32 + 5 * 64)) + 16 * 32 + 32 * 64,
    7 * 16 + 6 * (32 + 64) + (32 + 64),
    64,
  ],
  // The stem; a 3×3 filter for each of the channels that enter a block; 1×1 convolutions from these to those that
  // leave it.
  mobilenet: [
    9 * 3 * 32 +
      9 * (32 + 64 + 128 + 128 + 3 * 256) +
      (32 * 64 + 64 * 128 + 128 ** 2 + 128 * 256 + 2 * 256 ** 2 + 256 * 512),
    32 + (32 + 64 + 128 + 128 + 3 * 256) + (64 + 128 + 128 + 3 * 256 + 512),
    512,
  ],
}

describe.each(presets)('%s', preset => {
  test.each([10, 100])('has the expected number of parameters with %i classes', classes => {
    const model = build(preset, 1, classes)
    const [kernels, channels, features] = counts[preset]
    expect(sizeOf(model.trainableWeights)).toBe(kernels + 2 * channels + (features + 1) * classes)
    expect(sizeOf(model.nonTrainableWeights)).toBe(2 * channels)
  })

  test('maps raw pixels to class probabilities', () => {
    const model = build(preset, 1, 7)
    expect(model.inputs.map(({ shape }) => shape)).toEqual([[null, 32, 32, 3]])
    const { pixels } = waveSamples(3, 1)
    const output = tf.tidy(() => model.predict(tf.tensor(Float32Array.from(pixels), [3, 32, 32, 3])) as tf.Tensor)
    expect(output.shape).toEqual([3, 7])
    const probabilities = output.dataSync() as Float32Array
    for (let sample = 0; sample < 3; sample++) {
      const sum = probabilities.slice(7 * sample, 7 * sample + 7).reduce((total, value) => total + value)
      expect(sum).toBeCloseTo(1, 5)
    }
    output.dispose()
  })

  test('is initialized to the same bits for the same seed, also in a process without native TensorFlow', async () => {
    expect(tf.getBackend()).toBe('tensorflow')
    const hashes = [1, 1, 2].map(seed => hashOf(build(preset, seed)))
    expect(hashes[1]).toBe(hashes[0])
    expect(hashes[2]).not.toBe(hashes[0])
    expect(await runNode('hash-initial-weights.mjs', [preset, '1'])).toBe(hashes[0])
  })

  test('initializes its kernels with the variance of He et al.', () => {
    for (const { originalName, shape, read } of kernelsOf(build(preset))) {
      // He et al. 2015: variance 2 / fan-in. A depthwise filter sees 9 values of one channel, a convolution 9 of each.
      const fanIn = originalName.endsWith('depthwise_kernel') ? 9 : shape[0]! * shape[1]! * shape[2]!
      const values = read()
      const meanSquare = values.reduce((sum, value) => sum + value * value, 0) / values.length
      // Of n uniform values the mean square has a relative standard deviation of √(4/5n): four of them are allowed.
      const allowed = 4 * Math.sqrt(0.8 / values.length)
      expect(Math.abs((meanSquare * fanIn) / 2 - 1), originalName).toBeLessThan(allowed)
    }
  })

  test('learns a batch', async () => {
    const model = build(preset)
    const optimizer = tf.train.adam(0.003)
    model.compile({ optimizer, loss: 'sparseCategoricalCrossentropy' })
    const { pixels, labels } = waveSamples(20, 1)
    const [x, y] = [tf.tensor(Float32Array.from(pixels), [20, 32, 32, 3]), tf.tensor1d(Float32Array.from(labels))]
    const losses: number[] = []
    for (let step = 0; step < 12; step++) losses.push((await model.trainOnBatch(x, y)) as number)
    tf.dispose([x, y])
    optimizer.dispose()
    // Guessing one of ten classes gives a loss of ln 10 = 2.3.
    expect(losses[0]).toBeGreaterThan(1.5)
    expect(losses.at(-1)).toBeLessThan(1)
  })
})

test('resnet20 has 0.27 million parameters, as in the paper', () => {
  // Without the projections, 16·32 + 32·64 weights and 2·(32 + 64) scales and shifts, it is the paper's option A.
  const projections = 16 * 32 + 32 * 64 + 2 * (32 + 64)
  expect(sizeOf(build('resnet20').trainableWeights) - projections).toBe(269_722)
})

function kernelsOf(model: tf.LayersModel) {
  return model.trainableWeights
    .filter(({ originalName, shape }) => originalName.endsWith('kernel') && shape.length === 4)
    .map(weight => ({
      originalName: weight.originalName,
      shape: weight.shape as number[],
      read: () => weight.read().dataSync() as Float32Array,
    }))
}
