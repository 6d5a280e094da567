import { expect, test } from 'vitest'
import { createSgd } from '../../src/optimizers/sgd.ts'
import { tf } from '../../src/tfjs.ts'
import { randomVector } from '../fixtures/random.ts'

const size = 1000

test("SGD with momentum follows tfjs's momentum optimizer within 1e-6 over 100 steps", async () => {
  await tf.setBackend('cpu')
  const initial = randomVector(size, 3, [-0.2, 0.2])
  const variable = tf.variable(tf.tensor1d(initial.slice()), true, 'sgd-test')
  const theirs = tf.train.momentum(0.001, 0.9)
  const ours = createSgd({ momentum: 0.9 })
  const weights = initial.slice()
  let state = ours.initialState(size)
  for (let step = 0; step < 100; step++) {
    const gradient = randomVector(size, step + 1, [-1, 1])
    tf.tidy(() => theirs.applyGradients([{ name: 'sgd-test', tensor: tf.tensor1d(gradient) }]))
    state = ours.apply(weights, gradient, state, 0.001)
  }
  // tfjs keeps m / −η instead of m; both round weights of magnitude below 0.5 by at most 2⁻²⁶ = 1.5e-8 a step.
  const expected = variable.dataSync()
  weights.forEach((weight, i) => {
    expect(Math.abs(weight - expected[i]!)).toBeLessThan(1e-6)
  })
  theirs.dispose()
  variable.dispose()
})

test('momentum accumulates earlier steps', () => {
  const sgd = createSgd({ momentum: 0.5 })
  const weights = new Float32Array([1])
  const gradient = new Float32Array([1])
  const once = sgd.apply(weights, gradient, sgd.initialState(1), 0.5)
  expect(weights[0]).toBe(0.5) // m = −0.5
  const twice = sgd.apply(weights, gradient, once, 0.5)
  expect(weights[0]).toBe(-0.25) // m = 0.5 · −0.5 − 0.5 = −0.75
  expect(twice.step).toBe(2)
})

test('decay shrinks weights by decay rate times learning rate, separately from the momentum', () => {
  const sgd = createSgd({ momentum: 0.5, decay: { rate: 0.5, ranges: [{ start: 1, end: 2 }] } })
  const weights = new Float32Array([2, 2, 2])
  const gradient = new Float32Array([1, 1, 1])
  const once = sgd.apply(weights, gradient, sgd.initialState(3), 0.5)
  // m = −0.5; the one that decays also loses 0.5 · 0.5 · 2.
  expect(Array.from(weights)).toEqual([1.5, 1, 1.5])
  sgd.apply(weights, gradient, once, 0.25)
  // m = 0.5 · −0.5 − 0.25 · 1 = −0.5; the one that decays also loses 0.25 · 0.5 · 1.
  expect(Array.from(weights)).toEqual([1, 0.375, 1])
})

test('decay works without momentum', () => {
  const sgd = createSgd({ decay: { rate: 0.5, ranges: [{ start: 0, end: 1 }] } })
  const weights = new Float32Array([2, 2])
  sgd.apply(weights, new Float32Array([1, 1]), sgd.initialState(2), 0.5)
  // 2 · (1 − 0.25) − 0.5 and 2 − 0.5
  expect(Array.from(weights)).toEqual([1, 1.5])
})

test('without momentum, a step is the learning rate times the gradient, and no moments are kept', () => {
  const sgd = createSgd()
  const weights = new Float32Array([1, 2])
  const state = sgd.apply(weights, new Float32Array([4, -4]), sgd.initialState(2), 0.25)
  expect(Array.from(weights)).toEqual([0, 3])
  expect(state).toEqual({ step: 1, moments: [], powers: [] })
})

test('vectors of mismatched sizes are rejected', () => {
  const sgd = createSgd({ momentum: 0.9 })
  expect(() => sgd.apply(new Float32Array(3), new Float32Array(2), sgd.initialState(3), 0.1)).toThrow(
    expect.objectContaining({ code: 'optimizer-size' }),
  )
})
