import { presetNames } from '@lockstep/protocol'
import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, expect, test } from 'vitest'
import { buildModel } from '../src/architectures/index.ts'
import { predictProbabilities } from '../src/inference.ts'
import { tf } from '../src/tfjs.ts'
import { expectEqualPredictions, exportModel } from './fixtures/exported.ts'
import { conv, dense, initializer, modelOf } from './fixtures/small-models.ts'

beforeAll(useTensorFlow)

const { layers } = tf
const kernelInitializer = initializer()
const activation = (name: Parameters<typeof layers.activation>[0]['activation']) =>
  layers.activation({ activation: name })

const middles: Readonly<Record<string, () => tf.layers.Layer[]>> = {
  'only flattens its input': () => [],
  // 7 and 11 are the batch sizes used for tracing.
  'has dimensions of 7 and 11': () => [
    layers.flatten(),
    dense({ units: 77 }),
    layers.reshape({ targetShape: [7, 11] }),
    layers.permute({ dims: [2, 1] }),
  ],
  'normalizes over the batch': () => [conv(), layers.batchNormalization(), activation('relu6')],
  'normalizes over each sample': () => [conv(), layers.layerNormalization()],
  'has a depthwise convolution': () => [
    layers.depthwiseConv2d({ kernelSize: 3, depthwiseInitializer: kernelInitializer }),
  ],
  'has a transposed convolution': () => [
    layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, kernelInitializer }),
  ],
  'pools globally': () => [conv(), layers.globalAveragePooling2d({})],
  'pools in windows': () => [conv(), layers.averagePooling2d({ poolSize: 2 }), layers.maxPooling2d({ poolSize: 2 })],
  'pads, crops and upsamples': () => [
    layers.zeroPadding2d({ padding: 2 }),
    layers.cropping2D({ cropping: 1 }),
    layers.upSampling2d({ size: [2, 1] }),
  ],
  'repeats a vector': () => [
    layers.flatten(),
    layers.repeatVector({ n: 3 }),
    layers.timeDistributed({ layer: layers.dense({ units: 3, kernelInitializer }) }),
  ],
  'has many activations': () => [
    ...(['elu', 'selu', 'gelu', 'sigmoid', 'hardSigmoid', 'tanh', 'swish', 'mish', 'softplus'] as const).map(
      activation,
    ),
    layers.leakyReLU({}),
    layers.prelu({}),
    layers.thresholdedReLU({ theta: 0.1 }),
  ],
  'has dropout and noise in training': () => [
    conv(),
    layers.dropout({ rate: 0.5 }),
    layers.gaussianNoise({ stddev: 1 }),
  ],
  'has a recurrent layer': () => [
    layers.reshape({ targetShape: [12, 8] }),
    layers.gru({ units: 3, kernelInitializer, recurrentInitializer: kernelInitializer }),
  ],
}

test.each(Object.keys(middles))('a model that %s predicts the same as its SavedModel at any batch size', async name => {
  await expectEqualPredictions(modelOf(middles[name]!()))
})

test.each(presetNames)('%s predicts the same as its SavedModel', async name => {
  await expectEqualPredictions(buildModel(name, { classes: 10, seed: 1 }))
})

test('the same weights give the same file', () => {
  const model = modelOf([conv()])
  expect(Buffer.from(exportModel(model)).equals(exportModel(model))).toBe(true)
})

test('exporting does not change the weights and leaks no tensors', () => {
  const model = modelOf([conv()])
  const before = [tf.memory().numTensors, ...model.weights.map(weight => weight.read().dataSync())]
  exportModel(model)
  expect([tf.memory().numTensors, ...model.weights.map(weight => weight.read().dataSync())]).toEqual(before)
})

test('the probabilities of a sample do not depend on the other samples', () => {
  const model = modelOf([conv()])
  const pixels = Uint8Array.from({ length: 3 * 96 }, (_, index) => (index * index) % 251)
  const together = predictProbabilities(model, pixels)
  expect(together).toHaveLength(3 * 4)
  const tensors = tf.memory().numTensors
  const alone = predictProbabilities(model, pixels.subarray(2 * 96))
  expect(tf.memory().numTensors).toBe(tensors)
  for (const [index, probability] of alone.entries()) expect(together[8 + index]).toBeCloseTo(probability, 6)
})
