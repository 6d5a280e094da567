import { expect, test } from 'vitest'
import { readWeights, writeWeights } from '../src/flat-weights.ts'
import { createLayout } from '../src/layout.ts'
import { tf } from '../src/tfjs.ts'

function smallModel() {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ name: 'hidden', units: 2, inputShape: [2] }),
      tf.layers.dense({ name: 'output', units: 1 }),
    ],
  })
  return { model, layout: createLayout(model) }
}

// hidden/kernel [2, 2], hidden/bias [2], output/kernel [2, 1], output/bias [1]
const weights = Float32Array.of(1, 2, 3, 4, 10, 20, 1, -1, 0.5)

test('the weights that are written can be read, and the model computes with them', () => {
  const { model, layout } = smallModel()
  writeWeights(model, layout, weights)
  expect(readWeights(model, layout)).toEqual(weights)
  // [1, 1] · [[1, 2], [3, 4]] + [10, 20] = [14, 26]; 14 − 26 + 0.5 = −11.5
  const output = tf.tidy(() => (model.predict(tf.tensor2d([[1, 1]])) as tf.Tensor).dataSync()[0])
  expect(output).toBe(-11.5)
  model.dispose()
})

test('reading and writing copy the weights', () => {
  const { model, layout } = smallModel()
  const mine = weights.slice()
  writeWeights(model, layout, mine)
  mine.fill(0)
  readWeights(model, layout).fill(0)
  expect(readWeights(model, layout)).toEqual(weights)
  model.dispose()
})

test('writing leaks no tensors', () => {
  const { model, layout } = smallModel()
  const before = tf.memory().numTensors
  for (let repeat = 0; repeat < 10; repeat++) writeWeights(model, layout, weights)
  expect(tf.memory().numTensors).toBe(before)
  model.dispose()
})

test('a vector of the wrong length is rejected', () => {
  const { model, layout } = smallModel()
  expect(() => writeWeights(model, layout, new Float32Array(8))).toThrow(
    expect.objectContaining({ code: 'weights-size', expected: '9 elements', received: '8' }),
  )
  model.dispose()
})
