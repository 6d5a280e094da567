import { compileFunction } from '@lockstep/tensorflow'
import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, expect, test } from 'vitest'
import { buildModel } from '../../src/architectures/index.ts'
import { readWeights } from '../../src/flat-weights.ts'
import { createCompiledEngine } from '../../src/gradient/compiled.ts'
import type { ShardGradient } from '../../src/gradient/engine.ts'
import { createLayout, type ParameterLayout } from '../../src/layout.ts'
import { createAdam } from '../../src/optimizers/adam.ts'
import { tf } from '../../src/tfjs.ts'
import { weightsSha256 } from '../../src/weights-hash.ts'
import { createEngines, relativeDistance } from '../fixtures/compiled.ts'
import { runNode } from '../fixtures/run-node.ts'
import { cutIntoShards, keysOf, waveSamples } from '../fixtures/samples.ts'

beforeAll(useTensorFlow)

const batch = waveSamples(50, 1)

function createNet(precision: 'float32' | 'bfloat16' = 'float32') {
  return createEngines(buildModel('reference', { classes: 10, seed: 1 }), precision)
}

test.each([50, 25, 13, 1])('the gradient of %d samples equals that of the eager engine', async count => {
  const { eager, compiled, weights } = createNet()
  const [shard] = cutIntoShards(batch, [count])
  const expected = await eager.gradient(weights, shard!.pixels, shard!.labels, keysOf(shard!.labels))
  const received = await compiled.gradient(weights, shard!.pixels, shard!.labels, keysOf(shard!.labels))
  expect(relativeDistance(received.gradient, expected.gradient)).toBeLessThan(1e-5)
  expect(received.lossSum / expected.lossSum).toBeCloseTo(1, 6)
  expect([received.correct, received.count]).toEqual([expected.correct, count])
})

test('the gradient in bfloat16 is close to that of the eager engine', async () => {
  const { eager, compiled, weights } = createNet('bfloat16')
  const expected = await eager.gradient(weights, batch.pixels, batch.labels, keysOf(batch.labels))
  const received = await compiled.gradient(weights, batch.pixels, batch.labels, keysOf(batch.labels))
  // bfloat16 has 8 significant bits: each rounding errs by up to 2⁻⁹ = 0.2 %, and a chain of products by more.
  expect(relativeDistance(received.gradient, expected.gradient)).toBeLessThan(0.1)
  expect(relativeDistance(received.gradient, expected.gradient)).toBeGreaterThan(1e-4)
  expect(received.lossSum / expected.lossSum).toBeCloseTo(1, 2)
})

test('evaluation equals that of the eager engine', async () => {
  const { eager, compiled, weights } = createNet()
  const expected = await eager.evaluate(weights, batch.pixels, batch.labels)
  const received = await compiled.evaluate(weights, batch.pixels, batch.labels)
  expect(received.lossSum / expected.lossSum).toBeCloseTo(1, 6)
  expect(received.predictions).toEqual(expected.predictions)
  expect(received.correct).toBe(expected.correct)
})

test.each(['float32', 'bfloat16'] as const)(
  '20 repeated gradients in %s are bit-identical, also in another engine and another process',
  async precision => {
    const hashes = new Set<string>()
    const nets = [createNet(precision), createNet(precision)]
    for (let repeat = 0; repeat < 20; repeat++) {
      const { compiled, weights } = nets[repeat % 2]!
      const { gradient } = await compiled.gradient(weights.slice(), batch.pixels, batch.labels, keysOf(batch.labels))
      hashes.add(weightsSha256(gradient))
    }
    hashes.add((await runNode('hash-compiled-gradient.mjs', [precision], inputOf(nets[0]!.weights))).trim())
    expect(hashes.size).toBe(1)
  },
)

/** Weights, pixels and labels in the format that the script reads. */
function inputOf(weights: Float32Array): Uint8Array {
  return Buffer.concat([new Uint8Array(weights.buffer), batch.pixels, batch.labels])
}

test('moving statistics change as in the eager engine, and evaluation uses them', async () => {
  const build = () =>
    tf.sequential({
      layers: [
        tf.layers.flatten({ inputShape: [4, 4, 1] }),
        tf.layers.batchNormalization({ momentum: 0.5 }),
        tf.layers.dense({
          units: 3,
          activation: 'softmax',
          kernelInitializer: tf.initializers.glorotUniform({ seed: 3 }),
        }),
      ],
    })
  const { eager, compiled, layout, weights: start, samples } = createEngines(build())
  const { pixels, labels } = samples(8)
  const [forEager, forCompiled] = [start.slice(), start.slice()]
  for (let step = 0; step < 3; step++) {
    moveStatistics(layout, forEager, await eager.gradient(forEager, pixels, labels, keysOf(labels)))
    moveStatistics(layout, forCompiled, await compiled.gradient(forCompiled, pixels, labels, keysOf(labels)))
  }
  expect(
    relativeDistance(forCompiled.subarray(layout.trainableSize), forEager.subarray(layout.trainableSize)),
  ).toBeLessThan(1e-6)
  const expected = await eager.evaluate(forEager, pixels, labels)
  const received = await compiled.evaluate(forCompiled, pixels, labels)
  const unmoved = await compiled.evaluate(start, pixels, labels)
  expect(received.lossSum / expected.lossSum).toBeCloseTo(1, 5)
  expect(Math.abs(unmoved.lossSum / expected.lossSum - 1)).toBeGreaterThan(0.1)
})

function moveStatistics(layout: ParameterLayout, weights: Float32Array, { gradient }: ShardGradient): void {
  for (let i = layout.trainableSize; i < layout.size; i++) weights[i] = weights[i]! + gradient[i]!
}

test('frozen weights do not change', async () => {
  const model = buildModel('reference', { classes: 10, seed: 1 })
  for (const layer of model.layers.slice(0, 3)) layer.trainable = false
  const { eager, compiled, layout, weights } = createEngines(model)
  // conv1 has 3 · 3 · 3 · 32 + 32 = 896 weights.
  expect(layout.size - layout.trainableSize).toBe(896)
  for (const engine of [eager, compiled]) {
    const { gradient } = await engine.gradient(weights, batch.pixels, batch.labels, keysOf(batch.labels))
    expect(gradient.subarray(layout.trainableSize).every(change => change === 0)).toBe(true)
    expect(gradient.subarray(0, layout.trainableSize).some(slope => slope !== 0)).toBe(true)
  }
})

test('the gradient is the slope of the loss', async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.rescaling({ inputShape: [4, 4, 2], scale: 1 / 255 }),
      tf.layers.conv2d({ filters: 3, kernelSize: 2, activation: 'tanh' }),
      tf.layers.flatten(),
      tf.layers.dense({ units: 3, activation: 'softmax' }),
    ],
  })
  const { compiled, weights, samples } = createEngines(model)
  const { pixels, labels } = samples(4)
  const { gradient } = await compiled.gradient(weights, pixels, labels, keysOf(labels))
  const step = 1e-2
  for (const index of [0, 10, 26, 40, weights.length - 1]) {
    const lossAt = async (shift: number) => {
      const moved = weights.map((weight, i) => (i === index ? weight + shift : weight))
      return (await compiled.evaluate(moved, pixels, labels)).lossSum / labels.length
    }
    // Central differences err by step²/6 times the third derivative, below 1e-4 for a net with such weights.
    expect(((await lossAt(step)) - (await lossAt(-step))) / (2 * step)).toBeCloseTo(gradient[index]!, 3)
  }
})

test('500 steps leak no tensors and do not grow the process', async () => {
  const { compiled, weights, layout } = createNet()
  const optimizer = createAdam()
  const [shard] = cutIntoShards(batch, [2])
  let state = optimizer.initialState(layout.size)
  const step = async () => {
    const { gradient } = await compiled.gradient(weights, shard!.pixels, shard!.labels, keysOf(shard!.labels))
    state = optimizer.apply(weights, gradient, state, 0.001)
    await compiled.evaluate(weights, shard!.pixels, shard!.labels)
  }
  for (let warmUp = 0; warmUp < 100; warmUp++) await step()
  const before = { tensors: tf.memory().numTensors, bytes: process.memoryUsage.rss() }
  for (let count = 0; count < 500; count++) await step()
  expect(tf.memory().numTensors).toBe(before.tensors)
  // Each step passes 2 MB in and out: a leak of one of its arrays would add 500 MB.
  expect(process.memoryUsage.rss() - before.bytes).toBeLessThan(200e6)
})

test('the engine does not change the model', async () => {
  const model = buildModel('reference', { classes: 10, seed: 1 })
  const layout = createLayout(model)
  const [weights, topology, tensors] = [readWeights(model, layout), model.toJSON(), tf.memory().numTensors]
  const { compiled } = createEngines(model)
  await compiled.gradient(new Float32Array(layout.size), batch.pixels, batch.labels, keysOf(batch.labels))
  compiled.dispose()
  expect(tf.memory().numTensors).toBe(tensors)
  expect(model.toJSON()).toEqual(topology)
  expect(readWeights(model, layout)).toEqual(weights)
})

test('weights that do not enter the loss have a gradient of zero', async () => {
  const input = tf.input({ shape: [2] })
  const dead = tf.layers.dense({ units: 2, name: 'dead' }).apply(input) as tf.SymbolicTensor
  const live = tf.layers.dense({ units: 2, name: 'live' }).apply(input) as tf.SymbolicTensor
  const none = tf.layers.rescaling({ scale: 0 }).apply(dead) as tf.SymbolicTensor
  const sum = tf.layers.add().apply([none, live])
  const outputs = tf.layers.softmax().apply(sum) as tf.SymbolicTensor
  const { compiled, layout } = createEngines(tf.model({ inputs: input, outputs }))
  const { gradient } = await compiled.gradient(
    new Float32Array(layout.size),
    Uint8Array.of(3, 4),
    Uint8Array.of(0),
    Int32Array.of(0),
  )
  // ∂loss/∂logits = p − onehot = (−½, ½), times the pixels (3, 4) for the kernel.
  const expected = { dead: [0, 0, 0, 0, 0, 0], live: [-1.5, 1.5, -2, 2, -0.5, 0.5] }
  for (const { name, offset, size } of layout.entries) {
    const [layer, weight] = name.split('/') as ['dead' | 'live', string]
    const values = weight === 'kernel' ? expected[layer].slice(0, 4) : expected[layer].slice(4)
    // Adding 0 makes 0 of −0.
    expect(Array.from(gradient.subarray(offset, offset + size), value => value + 0)).toEqual(values)
  }
})

test.each([
  { what: 'no samples', weights: 258_762, pixels: 0, labels: 0, code: 'shard-empty' },
  { what: 'fewer pixels than its labels need', weights: 258_762, pixels: 3, labels: 1, code: 'shard-size' },
  { what: 'weights of another model', weights: 5, pixels: 3072, labels: 1, code: 'weights-size' },
])('a shard with $what is rejected', async ({ weights, pixels, labels, code }) => {
  const { compiled } = createNet()
  const shard = [new Float32Array(weights), new Uint8Array(pixels), new Uint8Array(labels)] as const
  await expect(compiled.gradient(...shard, new Int32Array(labels))).rejects.toMatchObject({ code })
  await expect(compiled.evaluate(...shard)).rejects.toMatchObject({ code })
})

test('each mode and number of samples is compiled once', async () => {
  const model = buildModel('reference', { classes: 10, seed: 1 })
  const layout = createLayout(model)
  let compiled = 0
  const compile: typeof compileFunction = options => {
    compiled += 1
    return compileFunction(options)
  }
  const engine = createCompiledEngine(model, layout, { compile, precision: 'float32' })
  const weights = readWeights(model, layout)
  const [two, three] = cutIntoShards(batch, [2, 3])
  for (const { pixels, labels } of [two!, three!, two!]) {
    await Promise.all([
      engine.gradient(weights, pixels, labels, keysOf(labels)),
      engine.gradient(weights, pixels, labels, keysOf(labels)),
    ])
    await engine.evaluate(weights, pixels, labels)
  }
  expect(compiled).toBe(4)
})

test('a failed compilation is retried', async () => {
  const model = buildModel('reference', { classes: 10, seed: 1 })
  const layout = createLayout(model)
  let attempts = 0
  const compile: typeof compileFunction = async options => {
    attempts += 1
    if (attempts === 1) throw new Error('no space left')
    return compileFunction(options)
  }
  const engine = createCompiledEngine(model, layout, { compile, precision: 'float32' })
  const [{ pixels, labels }] = cutIntoShards(batch, [2]) as [typeof batch]
  const evaluate = () => engine.evaluate(readWeights(model, layout), pixels, labels)
  await expect(evaluate()).rejects.toThrow('no space left')
  expect(await evaluate()).toMatchObject({ count: 2 })
})
