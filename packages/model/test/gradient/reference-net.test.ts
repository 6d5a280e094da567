import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, expect, test } from 'vitest'
import { buildModel } from '../../src/architectures/index.ts'
import { readWeights } from '../../src/flat-weights.ts'
import { createEagerEngine } from '../../src/gradient/eager.ts'
import type { ShardGradient } from '../../src/gradient/engine.ts'
import { createLayout } from '../../src/layout.ts'
import { createAdam } from '../../src/optimizers/adam.ts'
import { tf } from '../../src/tfjs.ts'
import { weightsSha256 } from '../../src/weights-hash.ts'
import { cutIntoShards, keysOf, type Samples, waveSamples } from '../fixtures/samples.ts'

const batch = waveSamples(50, 1)

beforeAll(useTensorFlow)

function createNet() {
  const model = buildModel('reference', { classes: 10, seed: 1 })
  const layout = createLayout(model)
  return { layout, weights: readWeights(model, layout), engine: createEagerEngine(model, layout) }
}

async function gradientsOfShards(sizes: readonly number[]): Promise<ShardGradient[]> {
  const { engine, weights } = createNet()
  const shards = cutIntoShards(batch, sizes)
  return Promise.all(shards.map(({ pixels, labels }) => engine.gradient(weights, pixels, labels, keysOf(labels))))
}

/** Σ cᵢ·gᵢ / Σ cᵢ in float64. */
function combine(gradients: readonly ShardGradient[], coefficient: (shard: ShardGradient) => number): Float64Array {
  const sum = new Float64Array(gradients[0]!.gradient.length)
  const total = gradients.reduce((total, shard) => total + coefficient(shard), 0)
  for (const shard of gradients) {
    const share = coefficient(shard) / total
    shard.gradient.forEach((value, i) => {
      sum[i]! += share * value
    })
  }
  return sum
}

function indexOfLargest(values: Float32Array): number {
  return values.reduce((best, value, i) => (value > values[best]! ? i : best), 0)
}

/** ‖a − b‖ / ‖b‖ */
function relativeDistance(a: Float64Array, b: Float32Array): number {
  const norm = (vector: Float64Array) => Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0))
  return norm(a.map((value, i) => value - b[i]!)) / norm(Float64Array.from(b))
}

test.each([
  { name: 'even', sizes: [10, 10, 10, 10, 10] },
  { name: 'uneven', sizes: [13, 13, 12, 12] },
  { name: 'very uneven', sizes: [30, 15, 4, 1] },
])('the count-weighted mean over $name shards is the gradient of the whole batch within 1e-6', async ({ sizes }) => {
  const [whole] = await gradientsOfShards([50])
  const shards = await gradientsOfShards(sizes)
  expect(
    relativeDistance(
      combine(shards, shard => shard.count),
      whole!.gradient,
    ),
  ).toBeLessThanOrEqual(1e-6)
  const lossSum = shards.reduce((sum, shard) => sum + shard.lossSum, 0)
  expect(lossSum / whole!.lossSum).toBeCloseTo(1, 6)
  expect(shards.reduce((sum, { correct }) => sum + correct, 0)).toBe(whole!.correct)
})

test('an unweighted mean over uneven shards differs from the gradient of the batch', async () => {
  const [whole] = await gradientsOfShards([50])
  const shards = await gradientsOfShards([13, 13, 12, 12])
  expect(
    relativeDistance(
      combine(shards, () => 1),
      whole!.gradient,
    ),
  ).toBeGreaterThan(1e-3)
})

test('the gradient is the slope of the loss in the steepest coordinate of each parameter tensor', async () => {
  const { engine, layout, weights } = createNet()
  const { gradient } = await engine.gradient(weights, batch.pixels, batch.labels, keysOf(batch.labels))
  const step = 1e-3
  const lossAt = async (index: number, shift: number) => {
    const moved = weights.slice()
    moved[index]! += shift
    const { lossSum, count } = await engine.evaluate(moved, batch.pixels, batch.labels)
    return { loss: lossSum / count, at: moved[index]! }
  }
  for (const { name, offset, size } of layout.entries) {
    const steepest = offset + indexOfLargest(gradient.subarray(offset, offset + size).map(Math.abs))
    const [ahead, behind] = [await lossAt(steepest, step), await lossAt(steepest, -step)]
    const slope = (ahead.loss - behind.loss) / (ahead.at - behind.at)
    // Bends of ReLU and max-pooling within ±step change the slope, by up to one percent where many units share a
    // coordinate.
    expect(Math.abs(slope / gradient[steepest]! - 1), name).toBeLessThan(0.03)
  }
})

test('20 repeated gradients in two engines are bit-identical', async () => {
  const [first, second] = [createNet(), createNet()]
  const hashes = new Set<string>()
  for (let repeat = 0; repeat < 20; repeat++) {
    const { engine, weights } = repeat % 2 === 0 ? first : second
    hashes.add(
      weightsSha256((await engine.gradient(weights, batch.pixels, batch.labels, keysOf(batch.labels))).gradient),
    )
  }
  expect(hashes.size).toBe(1)
})

test('200 steps leak no tensors', async () => {
  const { engine, layout, weights } = createNet()
  const optimizer = createAdam()
  const [shard] = cutIntoShards(batch, [2]) as [Samples]
  let state = optimizer.initialState(layout.size)
  const counts = new Set<number>()
  for (let step = 0; step < 200; step++) {
    const { gradient } = await engine.gradient(weights, shard.pixels, shard.labels, keysOf(shard.labels))
    state = optimizer.apply(weights, gradient, state, 0.001)
    await engine.evaluate(weights, shard.pixels, shard.labels)
    counts.add(tf.memory().numTensors)
  }
  expect(counts.size).toBe(1)
})

test('the net overfits one batch', async () => {
  const { engine, layout, weights } = createNet()
  const optimizer = createAdam()
  let state = optimizer.initialState(layout.size)
  const before = await engine.evaluate(weights, batch.pixels, batch.labels)
  for (let step = 0; step < 40; step++) {
    const { gradient } = await engine.gradient(weights, batch.pixels, batch.labels, keysOf(batch.labels))
    state = optimizer.apply(weights, gradient, state, 0.001)
  }
  const after = await engine.evaluate(weights, batch.pixels, batch.labels)
  // Initial weights guess: the loss is near ln 10 = 2.303 per sample.
  expect(before.lossSum / before.count).toBeCloseTo(Math.log(10), 1)
  expect(after.lossSum / after.count).toBeLessThan(0.3)
  expect(after.correct).toBeGreaterThan(45)
})
