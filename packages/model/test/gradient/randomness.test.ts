import { compileFunction } from '@lockstep/tensorflow'
import { useTensorFlow } from '@lockstep/tensorflow/testing'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { createCompiledEngine } from '../../src/gradient/compiled.ts'
import { createEagerEngine } from '../../src/gradient/eager.ts'
import { createLayout } from '../../src/layout.ts'
import { augmentBytes } from '../../src/random/augment-bytes.ts'
import { tf } from '../../src/tfjs.ts'
import { weightsSha256 } from '../../src/weights-hash.ts'
import { relativeDistance } from '../fixtures/compiled.ts'
import { randomVector } from '../fixtures/random.ts'

beforeAll(useTensorFlow)

const { layers } = tf
const inputShape = [16, 16, 3]
const plain = { augment: false, labelSmoothing: 0 }
const augmented = { augment: true, labelSmoothing: 0 }

/** A convolution, the given layers, and a dense output layer. */
function modelOf(middle: readonly tf.layers.Layer[]): tf.LayersModel {
  return tf.sequential({
    layers: [
      layers.rescaling({ scale: 1 / 64, offset: -2, inputShape }),
      layers.conv2d({ filters: 3, kernelSize: 3, strides: 3, activation: 'tanh' }),
      ...middle,
      layers.flatten(),
      layers.dense({ units: 4, activation: 'softmax' }),
    ],
  })
}

function createEngines(model: tf.LayersModel, training = plain) {
  const layout = createLayout(model)
  return {
    weights: randomVector(layout.size, 7, [-0.3, 0.3]),
    eager: createEagerEngine(model, layout, training),
    compiled: createCompiledEngine(model, layout, { compile: compileFunction, precision: 'float32', training }),
  }
}

function samplesOf(count: number) {
  const pixels = Uint8Array.from(randomVector(count * 16 * 16 * 3, 1, [0, 256]))
  const labels = Uint8Array.from({ length: count }, (_, index) => index % 4)
  return { pixels, labels, keys: Int32Array.from({ length: count }, (_, index) => Math.imul(index + 1, 0x9e3779b1)) }
}

const randomLayers = {
  Dropout: () => layers.dropout({ rate: 0.4 }),
  'Dropout of whole feature maps': () =>
    layers.dropout({ rate: 0.4, noiseShape: [null, 1, 1, null] as unknown as number[] }),
  GaussianNoise: () => layers.gaussianNoise({ stddev: 0.3 }),
  GaussianDropout: () => layers.gaussianDropout({ rate: 0.3 }),
  AlphaDropout: () => layers.alphaDropout({ rate: 0.3 }),
}

async function expectEqualGradients(model: tf.LayersModel, training: typeof plain, count: number): Promise<void> {
  const { weights, eager, compiled } = createEngines(model, training)
  const { pixels, labels, keys } = samplesOf(count)
  const expected = await eager.gradient(weights, pixels, labels, keys)
  const received = await compiled.gradient(weights, pixels, labels, keys)
  expect(relativeDistance(received.gradient, expected.gradient)).toBeLessThan(1e-5)
  expect(received.lossSum / expected.lossSum).toBeCloseTo(1, 6)
  compiled.dispose()
  model.dispose()
}

test.each(Object.entries(randomLayers))(
  'the compiled gradient through %s equals the eager one',
  async (_name, make) => {
    await expectEqualGradients(modelOf([make()]), plain, 5)
  },
)

test('the compiled gradient on augmented images equals the eager one', async () => {
  await expectEqualGradients(modelOf([]), augmented, 5)
})

test.each(['eager', 'compiled'] as const)('the %s engine computes the gradient on the augmented images', async name => {
  const { weights, [name]: engine } = createEngines(modelOf([]), augmented)
  const { [name]: bare } = createEngines(modelOf([]))
  const { pixels, labels, keys } = samplesOf(5)
  const made = augmentBytes(pixels, [16, 16, 3], keys)
  const [received, expected] = [
    await engine.gradient(weights, pixels, labels, keys),
    await bare.gradient(weights, made, labels, keys),
  ]
  expect(made).not.toEqual(pixels)
  expect(relativeDistance(received.gradient, expected.gradient)).toBeLessThan(1e-6)
  expect(received.lossSum / expected.lossSum).toBeCloseTo(1, 6)
})

test('the compiled gradient equals the eager one for any random layers, with and without augmentation', async () => {
  const parts = fc.array(fc.constantFrom(...Object.values(randomLayers)), { minLength: 1, maxLength: 3 })
  await fc.assert(
    fc.asyncProperty(parts, fc.boolean(), fc.integer({ min: 1, max: 6 }), async (makers, augment, count) => {
      await expectEqualGradients(modelOf(makers.map(make => make())), { ...plain, augment }, count)
    }),
    { numRuns: 12 },
  )
})

const everything = () => modelOf([...Object.values(randomLayers).map(make => make())])

test.each(['eager', 'compiled'] as const)(
  'the gradient of the %s engine changes with the keys and is the same for the same keys',
  async name => {
    const { weights, [name]: engine } = createEngines(everything(), augmented)
    const { pixels, labels, keys } = samplesOf(4)
    const hashOf = async (chosen: Int32Array) =>
      weightsSha256((await engine.gradient(weights, pixels, labels, chosen)).gradient)
    const first = await hashOf(keys)
    expect(await hashOf(keys.map((key, sample) => (sample === 3 ? key ^ 1 : key)))).not.toBe(first)
    expect(await hashOf(keys)).toBe(first)
  },
)

test.each(['eager', 'compiled'] as const)(
  'the gradients of shards in the %s engine add up to that of their batch',
  async name => {
    const { weights, [name]: engine } = createEngines(everything(), augmented)
    const { pixels, labels, keys } = samplesOf(6)
    const whole = await engine.gradient(weights, pixels, labels, keys)
    const part = (start: number, end: number) =>
      engine.gradient(
        weights,
        pixels.subarray(start * 768, end * 768),
        labels.subarray(start, end),
        keys.subarray(start, end),
      )
    const [one, two] = [await part(0, 2), await part(2, 6)]
    expect((one.lossSum + two.lossSum) / whole.lossSum).toBeCloseTo(1, 5)
    const mean = one.gradient.map((value, index) => (2 * value + 4 * two.gradient[index]!) / 6)
    expect(relativeDistance(mean, whole.gradient)).toBeLessThan(1e-5)
  },
)

test('evaluation uses neither random layers nor augmentation', async () => {
  const { pixels, labels } = samplesOf(5)
  const { weights, eager, compiled } = createEngines(everything(), augmented)
  const bare = createEngines(modelOf([]))
  const expected = await bare.eager.evaluate(weights, pixels, labels)
  for (const engine of [eager, compiled]) {
    const received = await engine.evaluate(weights, pixels, labels)
    expect(received.lossSum / expected.lossSum).toBeCloseTo(1, 6)
    expect(received.predictions).toEqual(expected.predictions)
  }
})

// With one dense layer after dropout, the loss is −log softmax(W (m · x))[label] for the drawn mask m. Central
// differences of this loss give the gradient only if both use the same mask.
test('the gradient through dropout is the slope of the loss with the same keys', async () => {
  const model = tf.sequential({
    layers: [
      layers.rescaling({ scale: 1 / 64, offset: -2, inputShape }),
      layers.flatten(),
      layers.dropout({ rate: 0.5 }),
      layers.dense({ units: 4, activation: 'softmax' }),
    ],
  })
  const { weights: large, compiled } = createEngines(model)
  const weights = large.map(weight => weight / 10)
  const { pixels, labels, keys } = samplesOf(3)
  const { gradient } = await compiled.gradient(weights, pixels, labels, keys)
  const step = 1e-2
  const lossAt = async (index: number, shift: number) => {
    const moved = weights.map((weight, place) => (place === index ? weight + shift : weight))
    return (await compiled.gradient(moved, pixels, labels, keys)).lossSum / labels.length
  }
  for (const index of [0, 7, 100, 1501, 3071, weights.length - 1]) {
    const slope = ((await lossAt(index, step)) - (await lossAt(index, -step))) / (2 * step)
    expect(slope).toBeCloseTo(gradient[index]!, 3)
  }
  // Half of the inputs are dropped in each of 3 samples, so an eighth of the rows of 4 weights in all three.
  const untouched = Array.from({ length: 768 }, (_, row) =>
    gradient.subarray(4 * row, 4 * row + 4).every(value => value === 0),
  )
  const count = untouched.filter(Boolean).length
  expect(Math.abs(count - 96)).toBeLessThan(5 * Math.sqrt((768 * 7) / 64))
})

test.each(['eager', 'compiled'] as const)(
  'the %s engine rejects a model with randomness that the keys do not cover',
  name => {
    const recurrent = layers.lstm({ units: 2, recurrentDropout: 0.1, name: 'culprit' })
    const model = tf.sequential({
      layers: [
        layers.reshape({ targetShape: [16, 48], inputShape }),
        recurrent,
        layers.dense({ units: 4, activation: 'softmax' }),
      ],
    })
    const layout = createLayout(model)
    const create = () =>
      name === 'eager'
        ? createEagerEngine(model, layout, plain)
        : createCompiledEngine(model, layout, { compile: compileFunction, precision: 'float32', training: plain })
    const expected = { code: 'random-layer', message: expect.stringContaining('layer culprit (LSTM)') }
    expect(create).toThrow(expect.objectContaining(expected))
  },
)
