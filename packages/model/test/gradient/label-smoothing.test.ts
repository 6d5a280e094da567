import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, expect, test } from 'vitest'
import { crossEntropy } from '../../src/gradient/loss.ts'
import { tf } from '../../src/tfjs.ts'
import { expectEqualEngines, expectSlopes } from '../fixtures/check-gradient.ts'
import { createEngines } from '../fixtures/compiled.ts'
import { createSlope } from '../fixtures/slope.ts'
import { conv, modelOf } from '../fixtures/small-models.ts'

beforeAll(useTensorFlow)

const training = { augment: false, labelSmoothing: 0.1 }

test('the loss of a smoothed label includes every class', () => {
  const logits = tf.tensor2d([[Math.log(6), Math.log(3), Math.log(1)]])
  const labels = tf.tensor1d([0], 'int32')
  const [loss] = crossEntropy(logits, labels, 0.3).dataSync()
  // Probabilities are 0.6, 0.3 and 0.1; the targets are 0.7 + 0.3 / 3 = 0.8 for the label and 0.1 for each other class.
  expect(loss).toBeCloseTo(-0.8 * Math.log(0.6) - 0.1 * Math.log(0.3) - 0.1 * Math.log(0.1), 6)
})

test('both engines smooth the labels in training and not in evaluation, and agree on the gradient', async () => {
  const model = modelOf([conv({ activation: 'tanh' })])
  const engines = createEngines(model, 'float32', training)
  const samples = engines.samples(5)
  const { weights } = engines
  const gradient = await expectEqualEngines(engines, samples)
  await expectSlopes(engines, samples, gradient, createSlope(model, engines.layout, 'float64', training))
  const smoothed = await engines.compiled.gradient(weights, samples.pixels, samples.labels, samples.keys)
  const plain = createEngines(model)
  const unsmoothed = await plain.compiled.gradient(weights, samples.pixels, samples.labels, samples.keys)
  expect(Math.abs(smoothed.lossSum - unsmoothed.lossSum)).toBeGreaterThan(0.01)
  const evaluation = await engines.compiled.evaluate(weights, samples.pixels, samples.labels)
  expect(evaluation.lossSum).toBeCloseTo(unsmoothed.lossSum, 5)
  engines.compiled.dispose()
  plain.compiled.dispose()
  model.dispose()
})
