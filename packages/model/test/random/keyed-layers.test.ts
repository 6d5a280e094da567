import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { announceLayers } from '../../src/gradient/announce-layers.ts'
import { withKeyedRandomLayers } from '../../src/random/keyed-layers.ts'
import { nestedLayers } from '../../src/random/nested-layers.ts'
import { sampleChance } from '../../src/random/sample-uniform.ts'
import { tf } from '../../src/tfjs.ts'
import { hashEverywhere } from '../fixtures/backends.ts'

beforeAll(useTensorFlow)

const { layers } = tf
const keysOf = (count: number) => Int32Array.from({ length: count }, (_, index) => Math.imul(index + 1, 0x9e3779b1))

/** The output of a model of these layers for inputs of shape [n, …inputShape], by default all ones. */
function apply(
  parts: readonly tf.layers.Layer[],
  inputShape: readonly number[],
  options: { training?: boolean; keys?: Int32Array; input?: tf.Tensor } = {},
): Float32Array {
  const { training = true, keys = keysOf(4) } = options
  const model = modelOf(parts, inputShape)
  return tf.tidy(() => {
    const input = options.input ?? tf.ones([keys.length, ...inputShape])
    const forward = () => model.apply(input, { training }) as tf.Tensor
    return withKeyedRandomLayers(model, tf.tensor1d(keys, 'int32'), forward).dataSync() as Float32Array
  })
}

function modelOf(parts: readonly tf.layers.Layer[], inputShape: readonly number[]): tf.LayersModel {
  const input = tf.input({ shape: [...inputShape] })
  const outputs = parts.reduce((value, layer) => layer.apply(value) as tf.SymbolicTensor, input)
  return tf.model({ inputs: input, outputs })
}

function moments(values: Float32Array) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length
  return { mean, deviation: Math.sqrt(variance) }
}

test('dropout zeros the elements drawn with the keys and scales the rest', () => {
  const dropped = apply([layers.dropout({ rate: 0.25 })], [50])
  // The model's second layer, after its input: stream 2.
  const kept = tf.tidy(() => sampleChance(tf.tensor1d(keysOf(4), 'int32'), 2, [50], 0.75).dataSync())
  expect(dropped).toEqual(Float32Array.from(kept, keep => (keep ? 4 / 3 : 0)))
  expect(new Set(kept).size).toBe(2)
})

test('dropout passes the gradient at the same elements as the values', () => {
  const model = modelOf([layers.dropout({ rate: 0.5 })], [30])
  const [values, slopes] = tf.tidy(() => {
    const keys = tf.tensor1d(keysOf(2), 'int32')
    const forward = (x: tf.Tensor) =>
      withKeyedRandomLayers(model, keys, () => model.apply(x, { training: true }) as tf.Tensor)
    const { value, grad } = tf.valueAndGrad(forward)(tf.ones([2, 30]))
    return [value.dataSync(), grad.dataSync()]
  })
  expect(slopes).toEqual(values)
})

test('each layer and each call of a layer draws different numbers, whatever the names of the layers', () => {
  const input = tf.input({ shape: [100] })
  const outputsOf = (names: readonly string[]) => {
    const [first, second] = names.map(name => layers.dropout({ rate: 0.5, name }))
    const parts = [first!, second!, first!].map(layer => layer.apply(input) as tf.SymbolicTensor)
    const model = tf.model({ inputs: input, outputs: parts })
    return tf.tidy(() => {
      const keys = tf.tensor1d(keysOf(1), 'int32')
      const forward = () => model.apply(tf.ones([1, 100]), { training: true }) as tf.Tensor[]
      return withKeyedRandomLayers(model, keys, forward).map(tensor => `${tensor.dataSync()}`)
    })
  }
  const drawn = outputsOf(['a', 'b'])
  expect(new Set(drawn).size).toBe(3)
  expect(outputsOf(['c', 'd'])).toEqual(drawn)
})

test('the dropout of a sample does not depend on the other samples', () => {
  const part = () => [layers.dropout({ rate: 0.5 })]
  const alone = apply(part(), [60], { keys: Int32Array.of(7) })
  expect(apply(part(), [60], { keys: Int32Array.of(1, 7) }).subarray(60)).toEqual(alone)
})

test('random layers do nothing outside training', () => {
  const parts = [
    layers.dropout({ rate: 0.5 }),
    layers.gaussianNoise({ stddev: 1 }),
    layers.gaussianDropout({ rate: 0.5 }),
    layers.alphaDropout({ rate: 0.5 }),
  ]
  expect(apply(parts, [9], { training: false })).toEqual(new Float32Array(36).fill(1))
})

test('random layers with rates of 0 and 1 do nothing, as in tfjs', () => {
  const parts = [0, 1].flatMap(rate => [
    layers.dropout({ rate }),
    layers.gaussianDropout({ rate }),
    layers.alphaDropout({ rate }),
  ])
  expect(apply(parts, [9])).toEqual(new Float32Array(36).fill(1))
})

test('dropout uses one mask along an axis of length 1 in its noise shape', () => {
  const noiseShape = [null, 1, null] as unknown as number[]
  for (const layer of [layers.dropout({ rate: 0.5, noiseShape }), layers.spatialDropout1d({ rate: 0.5 })]) {
    const dropped = apply([layer], [5, 8])
    const [sample, step] = [40, 8]
    const pattern = (row: number) => `${dropped.subarray(step * row, step * (row + 1))}`
    const patterns = [0, 1, 2, 3].map(index => [0, 1, 2, 3, 4].map(row => pattern((index * sample) / step + row)))
    for (const rows of patterns) expect(new Set(rows).size).toBe(1)
    expect(new Set(patterns.flat()).size).toBe(4)
  }
})

test('Gaussian noise has the requested mean and standard deviation', () => {
  const added = moments(apply([layers.gaussianNoise({ stddev: 2 })], [25_000]))
  // Of 100,000: the mean's standard deviation is 2/sqrt(100,000) = 0.0063, the deviation's sqrt(1/2) of that.
  expect(Math.abs(added.mean - 1)).toBeLessThan(5 * 0.0063)
  expect(Math.abs(added.deviation - 2)).toBeLessThan(5 * 0.0045)
  const multiplied = moments(apply([layers.gaussianDropout({ rate: 0.2 })], [25_000]))
  // sqrt(0.2 / 0.8) = 0.5
  expect(Math.abs(multiplied.mean - 1)).toBeLessThan(5 * 0.0016)
  expect(Math.abs(multiplied.deviation - 0.5)).toBeLessThan(5 * 0.0011)
})

test('Gaussian noise has the tails of the normal distribution', () => {
  const noise = apply([layers.gaussianNoise({ stddev: 1 })], [25_000]).map(value => value - 1)
  // 1 − Φ: 0.158655, 0.022750 and 0.001350 beyond 1, 2 and 3 on either side.
  for (const [bound, chance] of [
    [1, 0.158655],
    [2, 0.02275],
    [3, 0.00135],
  ] as const) {
    const deviation = Math.sqrt(100_000 * chance)
    expect(Math.abs(noise.filter(value => value > bound).length - 100_000 * chance)).toBeLessThan(5 * deviation)
    expect(Math.abs(noise.filter(value => value < -bound).length - 100_000 * chance)).toBeLessThan(5 * deviation)
  }
})

test('alpha dropout keeps mean 0 and variance 1', () => {
  const input = tf.randomNormal([4, 25_000], 0, 1, 'float32', 3)
  const { mean, deviation } = moments(apply([layers.alphaDropout({ rate: 0.3 })], [25_000], { input }))
  expect(Math.abs(mean)).toBeLessThan(0.02)
  expect(Math.abs(deviation - 1)).toBeLessThan(0.02)
  input.dispose()
})

describe('dropout inside another layer', () => {
  test('draws the same numbers for the same keys in a nested model', () => {
    const inner = modelOf([layers.dropout({ rate: 0.5 })], [40])
    const outer = () => apply([layers.rescaling({ scale: 2 }), inner], [40])
    expect(new Set(outer())).toEqual(new Set([0, 4]))
    expect(outer()).toEqual(outer())
  })

  test('draws different numbers at each step of a series', () => {
    const wrapped = () => [layers.timeDistributed({ layer: layers.dropout({ rate: 0.5 }) })]
    const dropped = apply(wrapped(), [3, 40], { keys: Int32Array.of(5) })
    const steps = [0, 1, 2].map(step => `${dropped.subarray(40 * step, 40 * step + 40)}`)
    expect(new Set(steps).size).toBe(3)
    expect(apply(wrapped(), [3, 40], { keys: Int32Array.of(5) })).toEqual(dropped)
  })
})

test('announcing layers and keyed randomness can be nested either way, and the layers are restored', () => {
  const model = modelOf([layers.flatten({ name: 'flat' }), layers.dropout({ rate: 0.5, name: 'drop' })], [4, 10])
  const announced: string[] = []
  const enter = (origin: string) => announced.push(origin)
  const drawn = tf.tidy(() => {
    const keys = tf.tensor1d(keysOf(2), 'int32')
    const forward = () => model.apply(tf.ones([2, 4, 10]), { training: true }) as tf.Tensor
    return [
      withKeyedRandomLayers(model, keys, () => announceLayers(model, enter, forward)).dataSync(),
      announceLayers(model, enter, () => withKeyedRandomLayers(model, keys, forward)).dataSync(),
      withKeyedRandomLayers(model, keys, forward).dataSync(),
    ]
  })
  expect(drawn).toEqual([drawn[2], drawn[2], drawn[2]])
  const names = announced.filter(origin => origin === 'layer flat' || origin === 'layer drop')
  expect(names).toEqual(['layer flat', 'layer drop', 'layer flat', 'layer drop'])
  for (const layer of nestedLayers(model)) expect(Object.hasOwn(layer, 'call')).toBe(false)
})

test('layers are restored if the computation fails', () => {
  const model = modelOf([layers.dropout({ rate: 0.5 })], [3])
  const fail = () => {
    throw new RangeError('on purpose')
  }
  const act = () => tf.tidy(() => withKeyedRandomLayers(model, tf.tensor1d([1], 'int32'), fail))
  expect(act).toThrow('on purpose')
  for (const layer of model.layers) expect(Object.hasOwn(layer, 'call')).toBe(false)
})

test('a random layer whose input does not have one row per sample is rejected', () => {
  const model = modelOf([layers.dropout({ rate: 0.5, name: 'drop' })], [3])
  const keys = tf.tensor1d([1, 2], 'int32')
  const act = () => withKeyedRandomLayers(model, keys, () => model.apply(tf.ones([3, 3]), { training: true }))
  expect(() => tf.tidy(act as () => tf.Tensor)).toThrow(
    expect.objectContaining({ code: 'random-layer', message: expect.stringContaining('layer drop (Dropout)') }),
  )
  keys.dispose()
})

test.each([
  ['Dropout', () => layers.dropout({ rate: 0.3 })],
  ['AlphaDropout', () => layers.alphaDropout({ rate: 0.3 })],
])('%s is bit-identical on every backend and in a compiled graph', async (_name, make) => {
  const model = modelOf([make()], [6, 7])
  const hashes = await hashEverywhere(keysOf(5), keys => {
    const input = tf.reshape(tf.range(0, 5 * 6 * 7), [5, 6, 7])
    return withKeyedRandomLayers(model, keys, () => model.apply(input, { training: true }) as tf.Tensor)
  })
  expect(new Set(hashes).size).toBe(1)
})
