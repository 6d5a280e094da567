import * as tf from '@tensorflow/tfjs'
import { beforeAll, expect, test } from 'vitest'
import { loadTensorFlow } from '../../src/load.ts'
import { largest, largestDifference } from '../support/compare.ts'
import { buildReferenceNet, pseudoRandom } from '../support/reference-net.ts'

const batchSize = 4

beforeAll(async () => {
  await loadTensorFlow({ backend: 'wasm', version: '4.22.0', reason: 'a test' })
})

/** Loss and gradients of the reference net on a backend, in the order of its parameters. */
async function computeGradients(backend: 'wasm' | 'cpu') {
  await tf.setBackend(backend)
  const model = buildReferenceNet()
  const images = tf.tensor4d(pseudoRandom(batchSize * 32 * 32 * 3), [batchSize, 32, 32, 3])
  const labels = tf.oneHot(tf.tensor1d([3, 1, 4, 1], 'int32'), 10)
  const variables = model.trainableWeights.map(weight => weight.read() as tf.Variable)
  const { value, grads } = tf.variableGrads(
    () => tf.losses.softmaxCrossEntropy(labels, model.predict(images) as tf.Tensor) as tf.Scalar,
    variables,
  )
  const gradients = variables.map(variable => (grads[variable.name] as tf.Tensor).dataSync() as Float32Array)
  return { loss: value.dataSync()[0] as number, gradients }
}

test('the WebAssembly gradients of the reference net agree with those of the JavaScript backend', async () => {
  const wasm = await computeGradients('wasm')
  const cpu = await computeGradients('cpu')
  expect(wasm.loss).toBeCloseTo(cpu.loss, 5)
  expect(wasm.gradients.map(gradient => gradient.length)).toEqual([
    ...[3 * 3 * 3 * 32, 32, 3 * 3 * 32 * 64, 64, 3 * 3 * 64 * 128, 128],
    ...[512 * 256, 256, 256 * 128, 128, 128 * 10, 10],
  ])
  for (const [index, expected] of cpu.gradients.entries()) {
    expect(largest(expected)).toBeGreaterThan(1e-3)
    expect(largestDifference(wasm.gradients[index]!, expected)).toBeLessThan(1e-6)
  }
})

test('training on WebAssembly lowers the loss and does not leak tensors', async () => {
  await tf.setBackend('wasm')
  const model = buildReferenceNet()
  const images = tf.tensor4d(pseudoRandom(batchSize * 32 * 32 * 3), [batchSize, 32, 32, 3])
  const labels = tf.oneHot(tf.tensor1d([3, 1, 4, 1], 'int32'), 10)
  const optimizer = tf.train.sgd(0.1)
  const step = () => {
    const loss = optimizer.minimize(
      () => tf.losses.softmaxCrossEntropy(labels, model.apply(images) as tf.Tensor) as tf.Scalar,
      true,
    ) as tf.Scalar
    const value = loss.dataSync()[0] as number
    loss.dispose()
    return value
  }
  const first = step()
  const tensors = tf.memory().numTensors
  const losses = Array.from({ length: 20 }, step)
  expect(losses.at(-1)).toBeLessThan(first / 2)
  expect(tf.memory().numTensors).toBe(tensors)
})
