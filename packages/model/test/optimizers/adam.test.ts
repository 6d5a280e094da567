import { expect, test } from 'vitest'
import { type AdamOptions, createAdam } from '../../src/optimizers/adam.ts'
import { tf } from '../../src/tfjs.ts'
import { randomVector } from '../fixtures/random.ts'

const size = 1000
const steps = 100
const learningRate = 0.001

/** A gradient for each step, with magnitudes in [0.1, 1) and signs that often change. */
function gradientOf(step: number): Float32Array {
  const values = randomVector(size, step + 1, [-0.9, 0.9])
  return values.map(value => value + 0.1 * Math.sign(value))
}

function trainWithLockstep(weights: Float32Array, options: AdamOptions = {}): Float32Array {
  const adam = createAdam(options)
  let state = adam.initialState(size)
  for (let step = 0; step < steps; step++) state = adam.apply(weights, gradientOf(step), state, learningRate)
  return weights
}

function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0)
}

/**
 * Kingma and Ba 2015, algorithm 1 with the order of computation of the end of section 2 (α_t and ε hat), in float64,
 * with the decay of AdamW: Loshchilov and Hutter 2019, algorithm 2, line 12, where η_t · λ is η · λ as in PyTorch.
 */
function adamOfThePaper(initial: Float32Array, lambda: (i: number) => number = () => 0): number[] {
  const [beta1, beta2, epsilonHat] = [0.9, 0.999, 1e-7]
  const theta = Array.from(initial)
  const m = theta.map(() => 0)
  const v = theta.map(() => 0)
  for (let t = 1; t <= steps; t++) {
    const alpha = (learningRate * Math.sqrt(1 - beta2 ** t)) / (1 - beta1 ** t)
    gradientOf(t - 1).forEach((g, i) => {
      m[i] = beta1 * m[i]! + (1 - beta1) * g
      v[i] = beta2 * v[i]! + (1 - beta2) * g * g
      const decayed = learningRate * lambda(i) * theta[i]!
      theta[i] = theta[i]! - (alpha * m[i]!) / (Math.sqrt(v[i]!) + epsilonHat) - decayed
    })
  }
  return theta
}

test('Adam follows the paper in float64 within 1e-6 over 100 steps', () => {
  const initial = randomVector(size, 7, [-0.2, 0.2])
  const expected = adamOfThePaper(initial)
  const actual = trainWithLockstep(initial.slice())
  // A weight of magnitude up to 0.3 is rounded by at most 2⁻²⁶ = 1.5e-8 a step. The roundings are as often up
  // as down: about √100 of them, 1.5e-7, remain.
  expect(largestDifference(actual, expected)).toBeLessThan(1e-6)
  expect(largestDifference(actual, initial)).toBeGreaterThan(0.01)
})

test('Adam with decay follows AdamW in float64 within 1e-6 over 100 steps, and other weights do not decay', () => {
  const initial = randomVector(size, 7, [-0.2, 0.2])
  const ranges = [
    { start: 100, end: 300 },
    { start: 700, end: 900 },
  ]
  const actual = trainWithLockstep(initial.slice(), { decay: { rate: 0.5, ranges } })
  const decays = (i: number) => (i >= 100 && i < 300) || (i >= 700 && i < 900)
  expect(
    largestDifference(
      actual,
      adamOfThePaper(initial, i => (decays(i) ? 0.5 : 0)),
    ),
  ).toBeLessThan(1e-6)
  const plain = trainWithLockstep(initial.slice())
  // A weight of up to 0.2 loses about 100 · 0.001 · 0.5 = 5 % of it; one that does not decay keeps every bit.
  expect(largestDifference(actual, plain)).toBeGreaterThan(0.005)
  expect(actual.filter((_, i) => !decays(i))).toEqual(plain.filter((_, i) => !decays(i)))
})

test('Adam with a decay of zero is bit-identical to Adam', () => {
  const initial = randomVector(size, 7, [-0.2, 0.2]).fill(-0, 0, 10)
  const none = trainWithLockstep(initial.slice(), { decay: { rate: 0, ranges: [{ start: 5, end: 995 }] } })
  expect(none).toEqual(trainWithLockstep(initial.slice()))
})

test("Adam follows tfjs's own Adam within 1e-5 over 100 steps", async () => {
  await tf.setBackend('cpu')
  const initial = randomVector(size, 7, [-0.2, 0.2])
  const variable = tf.variable(tf.tensor1d(initial.slice()), true, 'adam-test')
  const optimizer = tf.train.adam(learningRate, 0.9, 0.999, 1e-7)
  for (let step = 0; step < steps; step++) {
    tf.tidy(() => optimizer.applyGradients([{ name: 'adam-test', tensor: tf.tensor1d(gradientOf(step)) }]))
  }
  const expected = variable.dataSync()
  // tfjs adds ε to the corrected √v̂, which is as if ours were √(1 − β₂ᵗ) times smaller. That changes a step by at most
  // η · ε · (1/√(1 − β₂ᵗ) − 1) / |g|; with |g| ≥ 0.1, and 1 − β₂ᵗ ≈ t/1000, the sum over 100 steps is below
  // 0.001 · 1e-7 · 2 · √(1000 · 100) / 0.1 = 6.3e-7. tfjs also keeps β₂ᵗ in float32: an error of 6e-8 a step in
  // 1 − β₂ᵗ ≈ t/1000 is 6e-5 relative, half of that in a step of 0.001, 3e-6 over 100 steps if all went one way.
  expect(largestDifference(trainWithLockstep(initial.slice()), expected)).toBeLessThan(1e-5)
  optimizer.dispose()
  variable.dispose()
})

test('the first step moves each weight by the learning rate against the sign of its gradient', () => {
  const adam = createAdam()
  const weights = new Float32Array([1, 1, 1])
  const state = adam.apply(weights, new Float32Array([3, -0.25, 0]), adam.initialState(3), 0.5)
  // α = 0.5 · √0.001 / 0.1, m = 0.1 g, √v = √0.001 |g|: α m / (√v + ε) is 0.5 · sign(g),
  // less by ε / √v, which is 1.3e-5 of it for g = −0.25.
  expect(Array.from(weights)).toEqual([expect.closeTo(0.5, 4), expect.closeTo(1.5, 4), 1])
  expect(state.step).toBe(1)
  expect(state.powers).toEqual([0.9, 0.999])
})

test('each step uses the learning rate that it is given', () => {
  const adam = createAdam()
  const weights = new Float32Array([1])
  const gradient = new Float32Array([1])
  const once = adam.apply(weights, gradient, adam.initialState(1), 0.5)
  expect(weights[0]).toBeCloseTo(0.5, 4)
  // With a constant gradient, the corrected m / √v is 1 at every step.
  adam.apply(weights, gradient, once, 0.25)
  expect(weights[0]).toBeCloseTo(0.25, 4)
})

test('the gradient does not change, and the moments are updated in place', () => {
  const adam = createAdam()
  const before = adam.initialState(2)
  const gradient = new Float32Array([1, 2])
  const after = adam.apply(new Float32Array(2), gradient, before, 0.1)
  expect(Array.from(gradient)).toEqual([1, 2])
  expect(after.moments).toBe(before.moments)
  expect(after.moments[1]![1]).toBeCloseTo(0.004, 8)
})

test('tiny moments become zero, and the weights stop changing', () => {
  const adam = createAdam()
  const weights = new Float32Array([1])
  let state = adam.apply(weights, new Float32Array([1]), adam.initialState(1), 0.001)
  // m = 0.1 · 0.9ᵗ: 7.91e-31 after 636 steps more and 7.12e-31 after 637, on both sides of 2⁻¹⁰⁰ = 7.89e-31.
  for (let step = 0; step < 636; step++) state = adam.apply(weights, new Float32Array(1), state, 0.001)
  expect(state.moments[0]![0]).toBeGreaterThan(0)
  const before = weights[0]
  state = adam.apply(weights, new Float32Array(1), state, 0.001)
  expect(state.moments[0]![0]).toBe(0)
  expect(weights[0]).toBe(before)
})

test('running powers stay within one part in 10¹¹ of the true powers after 100,000 steps', () => {
  const adam = createAdam()
  let state = adam.initialState(0)
  for (let step = 0; step < 100_000; step++) state = adam.apply(new Float32Array(), new Float32Array(), state, 0.1)
  expect(Math.abs(state.powers[1]! / 0.999 ** 100_000 - 1)).toBeLessThan(1e-11)
})

test('vectors of mismatched sizes are rejected', () => {
  const adam = createAdam()
  const size = expect.objectContaining({ code: 'optimizer-size' })
  expect(() => adam.apply(new Float32Array(3), new Float32Array(2), adam.initialState(3), 0.1)).toThrow(size)
  expect(() => adam.apply(new Float32Array(3), new Float32Array(3), adam.initialState(2), 0.1)).toThrow(size)
  // As in a run with another optimizer.
  const { moments, ...state } = adam.initialState(3)
  for (const others of [[], moments.slice(1), [...moments, ...moments]]) {
    const apply = () => adam.apply(new Float32Array(3), new Float32Array(3), { ...state, moments: others }, 0.1)
    expect(apply).toThrow(size)
  }
})
