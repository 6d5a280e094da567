import { afterAll, expect, test } from 'vitest'
import { readWeights } from '../../src/flat-weights.ts'
import { createEagerEngine } from '../../src/gradient/eager.ts'
import { createLayout } from '../../src/layout.ts'
import { tf } from '../../src/tfjs.ts'

/** Softmax regression over two raw pixels: logits = x · kernel, kernel [2, classes], no bias. */
function softmaxRegression(classes: number) {
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ name: 'flatten', inputShape: [1, 2, 1] }),
      tf.layers.dense({ name: 'classes', units: classes, activation: 'softmax', useBias: false }),
    ],
  })
  models.push(model)
  const layout = createLayout(model)
  return { model, layout, engine: createEagerEngine(model, layout) }
}

const models: tf.LayersModel[] = []
afterAll(() => {
  for (const model of models) model.dispose()
})

test('loss, correct predictions and mean gradient of a shard are those of softmax regression', async () => {
  const { engine } = softmaxRegression(2)
  const shard = await engine.gradient(
    new Float32Array(4),
    Uint8Array.of(1, 2, 3, 0),
    Uint8Array.of(0, 1),
    Int32Array.of(0, 1),
  )
  // With zero weights p = (½, ½), so each loss is ln 2, and the arg max of a tie is class 0: sample 0 is right.
  expect(shard.lossSum).toBeCloseTo(2 * Math.log(2), 6)
  expect([shard.correct, shard.count]).toEqual([1, 2])
  // ∂loss/∂kernel = xᵀ(p − onehot): sample 0 gives [1, 2]ᵀ(−½, ½), sample 1 gives [3, 0]ᵀ(½, −½); the mean of both
  // is [[½, −½], [−½, ½]].
  expect(shard.gradient).toEqual(Float32Array.of(0.5, -0.5, -0.5, 0.5))
})

test('the loss is computed from logits and is finite for a probability of 0', async () => {
  const { engine } = softmaxRegression(2)
  // logits = 100 · (10, −10) for the pixels (100, 0): p of class 1 is e⁻²⁰⁰⁰, which is 0 in any float.
  const weights = Float32Array.of(10, -10, 0, 0)
  const { lossSum, gradient } = await engine.gradient(
    weights,
    Uint8Array.of(100, 0),
    Uint8Array.of(1),
    Int32Array.of(0),
  )
  expect(lossSum).toBe(2000)
  expect(gradient).toEqual(Float32Array.of(100, -100, 0, 0))
})

test('evaluation reports the most probable classes', async () => {
  const { engine } = softmaxRegression(3)
  const weights = Float32Array.of(1, 0, 0, 0, 0, 2)
  const result = await engine.evaluate(weights, Uint8Array.of(5, 0, 0, 5, 1, 1), Uint8Array.of(0, 2, 0))
  expect(result.predictions).toEqual(Uint8Array.of(0, 2, 2))
  expect([result.correct, result.count]).toEqual([2, 3])
})

test('weights that change in place are used', async () => {
  const { engine } = softmaxRegression(2)
  // A view that does not start at the beginning of its memory.
  const weights = new Float32Array(8).subarray(4)
  weights.set([1, 0, 0, 0])
  const predict = async () => (await engine.evaluate(weights, Uint8Array.of(1, 0), Uint8Array.of(0))).predictions[0]
  expect(await predict()).toBe(0)
  weights.set([0, 1])
  expect(await predict()).toBe(1)
})

test('dropout applies to gradients and not to evaluation', async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ name: 'flatten', inputShape: [32, 32, 1] }),
      tf.layers.dropout({ name: 'dropout', rate: 0.5, seed: 1 }),
      tf.layers.dense({ name: 'classes', units: 2, activation: 'softmax' }),
    ],
  })
  models.push(model)
  const engine = createEagerEngine(model, createLayout(model))
  const weights = new Float32Array(32 * 32 * 2 + 2).fill(0.001, 0, 32 * 32)
  const pixels = new Uint8Array(32 * 32).fill(1)
  const { gradient } = await engine.gradient(weights, pixels, Uint8Array.of(0), Int32Array.of(0))
  const dropped = gradient.subarray(0, -2).filter(value => value === 0).length
  // 1024 inputs dropped with probability ½, each with two gradients: 1024 ± 2 · 16 · 4 (four standard deviations).
  expect(Math.abs(dropped - 1024)).toBeLessThan(128)
  const losses = [
    await engine.evaluate(weights, pixels, Uint8Array.of(0)),
    await engine.evaluate(weights, pixels, Uint8Array.of(0)),
  ]
  expect(losses[0]!.lossSum).toBe(losses[1]!.lossSum)
})

test('every computation starts from the moving statistics in the given weights', async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.flatten({ inputShape: [2, 2, 1] }),
      tf.layers.batchNormalization({ momentum: 0.5 }),
      tf.layers.dense({ units: 2, activation: 'softmax' }),
    ],
  })
  models.push(model)
  const layout = createLayout(model)
  const engine = createEagerEngine(model, layout)
  const weights = readWeights(model, layout)
  const [pixels, labels] = [Uint8Array.of(1, 2, 3, 4, 40, 30, 20, 10), Uint8Array.of(0, 1)]
  const gradient = async () => (await engine.gradient(weights, pixels, labels, Int32Array.of(0, 0))).gradient
  const evaluate = async () => (await engine.evaluate(weights, pixels, labels)).lossSum
  const before = [await evaluate(), await gradient()]
  expect([await evaluate(), await gradient(), await gradient()]).toEqual([...before, before[1]])
})

test('an engine leaves the model with the given weights and leaks no tensors', async () => {
  const { model, layout } = softmaxRegression(2)
  const topology = model.toJSON()
  const before = tf.memory().numTensors
  const engine = createEagerEngine(model, layout)
  await engine.gradient(Float32Array.of(1, 2, 3, 4), Uint8Array.of(1, 2), Uint8Array.of(0), Int32Array.of(0))
  engine.dispose()
  expect(tf.memory().numTensors).toBe(before)
  expect(model.toJSON()).toBe(topology)
  expect(readWeights(model, layout)).toEqual(Float32Array.of(1, 2, 3, 4))
})

test.each([
  { what: 'no samples', pixels: 0, labels: [], code: 'shard-empty' },
  { what: 'fewer pixels than its labels need', pixels: 3, labels: [0, 1], code: 'shard-size' },
  { what: 'a label out of range', pixels: 4, labels: [0, 2], code: 'shard-label' },
])('a shard with $what is rejected', ({ pixels, labels, code }) => {
  const { engine } = softmaxRegression(2)
  const shard = [new Float32Array(4), new Uint8Array(pixels), Uint8Array.from(labels)] as const
  expect(() => engine.gradient(...shard, new Int32Array(labels.length))).toThrow(expect.objectContaining({ code }))
  expect(() => engine.evaluate(...shard)).toThrow(expect.objectContaining({ code }))
})

test('a shard without a key for each of its samples is rejected', () => {
  const { engine } = softmaxRegression(2)
  const gradient = () => engine.gradient(new Float32Array(4), new Uint8Array(4), Uint8Array.of(0, 1), new Int32Array(1))
  expect(gradient).toThrow(expect.objectContaining({ code: 'shard-size', expected: '2 keys', received: '1' }))
})

test('weights of another model are rejected', () => {
  const { engine } = softmaxRegression(2)
  expect(() => engine.gradient(new Float32Array(5), Uint8Array.of(1, 2), Uint8Array.of(0), Int32Array.of(0))).toThrow(
    expect.objectContaining({ code: 'weights-size', expected: '4 elements', received: '5' }),
  )
})
