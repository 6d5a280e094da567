import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { tf } from '../../src/tfjs.ts'
import { createEngines, relativeDistance } from '../fixtures/compiled.ts'
import { useTensorFlow } from '../fixtures/tensorflow.ts'

beforeAll(useTensorFlow)

type Layers = readonly tf.layers.Layer[]

const { layers } = tf
const seed = 1
const kernelInitializer = tf.initializers.glorotUniform({ seed })
const depthwiseInitializer = kernelInitializer
const conv = (options: Partial<Parameters<typeof layers.conv2d>[0]> = {}) =>
  layers.conv2d({ filters: 3, kernelSize: 2, kernelInitializer, ...options })
const dense = (units: number) => layers.dense({ units, kernelInitializer })
const series = () => layers.reshape({ targetShape: [24, 4] })
const conv1d = () => layers.conv1d({ filters: 3, kernelSize: 3, strides: 2, kernelInitializer })

/** A model from 8x6x2 pixels to 4 classes. */
function modelOf(middle: Layers): tf.LayersModel {
  const rescaling = layers.rescaling({ scale: 1 / 64, offset: -2, inputShape: [8, 6, 2] })
  const body = tf.sequential({ layers: [rescaling, ...middle] })
  const flat = body.outputs[0]!.shape.length > 2 ? [layers.flatten()] : []
  for (const layer of flat) body.add(layer)
  body.add(layers.dense({ units: 4, activation: 'softmax', kernelInitializer }))
  return body
}

async function expectEqualGradients(model: tf.LayersModel, count: number): Promise<void> {
  const { eager, compiled, weights, samples } = createEngines(model)
  const { pixels, labels } = samples(count)
  const expected = await eager.gradient(weights, pixels, labels)
  const received = await compiled.gradient(weights, pixels, labels)
  expect(relativeDistance(received.gradient, expected.gradient)).toBeLessThan(1e-5)
  expect(received.lossSum / expected.lossSum).toBeCloseTo(1, 6)
  const evaluated = [await compiled.evaluate(weights, pixels, labels), await eager.evaluate(weights, pixels, labels)]
  expect(evaluated[0]!.lossSum / evaluated[1]!.lossSum).toBeCloseTo(1, 6)
  expect(evaluated[0]!.predictions).toEqual(evaluated[1]!.predictions)
  compiled.dispose()
  model.dispose()
}

const middles: Readonly<Record<string, () => Layers>> = {
  Dense: () => [layers.flatten(), dense(5)],
  'Dense over the last axis': () => [dense(3)],
  Conv1D: () => [series(), conv1d()],
  Conv2D: () => [conv({ kernelSize: [2, 3] })],
  'Conv2D without bias': () => [conv({ useBias: false })],
  'Conv2D 1x1 with strides': () => [conv({ kernelSize: 1, strides: 2 })],
  'Conv2D with padding and strides': () => [conv({ kernelSize: 3, padding: 'same', strides: [2, 1] })],
  DepthwiseConv2D: () => [
    layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2, padding: 'same', depthwiseInitializer }),
  ],
  'DepthwiseConv2D with strides': () => [layers.depthwiseConv2d({ kernelSize: 3, strides: 2, depthwiseInitializer })],
  SeparableConv2D: () => [
    layers.separableConv2d({
      filters: 4,
      kernelSize: 3,
      padding: 'same',
      depthwiseInitializer,
      pointwiseInitializer: kernelInitializer,
    }),
  ],
  Conv2DTranspose: () => [
    layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding: 'same', kernelInitializer }),
  ],
  'Conv2DTranspose without padding': () => [
    layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, kernelInitializer }),
  ],
  MaxPooling2D: () => [conv(), layers.maxPooling2d({ poolSize: 2 })],
  'MaxPooling2D with overlap': () => [conv(), layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' })],
  AveragePooling2D: () => [conv(), layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' })],
  GlobalMaxPooling2D: () => [conv(), layers.globalMaxPooling2d({})],
  GlobalAveragePooling2D: () => [conv(), layers.globalAveragePooling2d({})],
  'pooling of series': () => [
    ...[series(), conv1d(), layers.maxPooling1d({ poolSize: 2 }), layers.averagePooling1d({ poolSize: 2 })],
    layers.globalAveragePooling1d(),
  ],
  BatchNormalization: () => [conv(), layers.batchNormalization()],
  'BatchNormalization of vectors': () => [layers.flatten(), dense(5), layers.batchNormalization()],
  LayerNormalization: () => [conv(), layers.layerNormalization()],
  ZeroPadding2D: () => [
    conv(),
    layers.zeroPadding2d({
      padding: [
        [1, 2],
        [0, 1],
      ],
    }),
  ],
  Cropping2D: () => [
    conv(),
    layers.cropping2D({
      cropping: [
        [1, 2],
        [0, 1],
      ],
    }),
  ],
  UpSampling2D: () => [conv(), layers.upSampling2d({ size: [2, 3] })],
  'UpSampling2D, bilinear': () => [conv(), layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' })],
  Permute: () => [conv(), layers.permute({ dims: [3, 1, 2] })],
  RepeatVector: () => [layers.flatten(), layers.repeatVector({ n: 3 }), dense(4)],
  TimeDistributed: () => [layers.timeDistributed({ layer: dense(3) })],
  LeakyReLU: () => [conv(), layers.leakyReLU({ alpha: 0.2 })],
  PReLU: () => [conv(), layers.prelu()],
  ELU: () => [conv(), layers.elu()],
  'ReLU with a limit': () => [conv(), layers.reLU({ maxValue: 6 })],
  LSTM: () => [series(), layers.lstm({ units: 3, kernelInitializer, recurrentInitializer: kernelInitializer })],
  GRU: () => [series(), layers.gru({ units: 3, kernelInitializer, recurrentInitializer: kernelInitializer })],
}

test.each(Object.keys(middles))('the gradient of %s is that of the eager engine', async name => {
  await expectEqualGradients(modelOf(middles[name]!()), 5)
})

const activations = [
  ...(['relu', 'relu6', 'elu', 'selu', 'gelu', 'sigmoid', 'hardSigmoid', 'tanh'] as const),
  ...(['swish', 'mish', 'softplus', 'softsign', 'softmax', 'linear'] as const),
]

test.each(activations)('the gradient of the activation %s is that of the eager engine', async activation => {
  await expectEqualGradients(modelOf([conv({ activation })]), 5)
})

test('several branches that are added, multiplied, averaged, compared and joined', async () => {
  const input = tf.input({ shape: [8, 6, 2] })
  const scaled = layers.rescaling({ scale: 1 / 64, offset: -2 }).apply(input)
  const [a, b] = [conv().apply(scaled), conv({ activation: 'relu' }).apply(scaled)] as tf.SymbolicTensor[]
  const merged = [layers.add(), layers.multiply(), layers.average(), layers.maximum(), layers.minimum()].map(
    layer => layer.apply([a!, b!]) as tf.SymbolicTensor,
  )
  const joined = layers.concatenate().apply([a!, ...merged]) as tf.SymbolicTensor
  const flat = layers.flatten().apply(joined)
  const outputs = layers.dense({ units: 4, activation: 'softmax', kernelInitializer }).apply(flat)
  await expectEqualGradients(tf.model({ inputs: input, outputs: outputs as tf.SymbolicTensor }), 3)
})

const activation = fc.constantFrom('relu', 'elu', 'tanh', 'linear', 'swish')
const padding = fc.constantFrom('same', 'valid')
const middleLayer = fc.oneof(
  fc
    .record({ filters: fc.integer({ min: 1, max: 4 }), kernelSize: fc.constantFrom(1, 2), padding, activation })
    .map(options => () => conv(options as never)),
  fc
    .record({ poolSize: fc.constant(2), strides: fc.constantFrom(1, 2), padding: fc.constant('same') })
    .map(options => () => layers.maxPooling2d(options as never)),
  fc.constant(() => layers.averagePooling2d({ poolSize: 2, strides: 1 })),
  fc.constant(() => layers.batchNormalization()),
  fc.constant(() => layers.upSampling2d({ size: [2, 1] })),
  fc.constant(() => layers.zeroPadding2d({ padding: 1 })),
)

test('random models have the gradient of the eager engine', { timeout: 120_000 }, async () => {
  const models = fc.array(middleLayer, { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(models, fc.integer({ min: 1, max: 6 }), async (makers, count) => {
      await expectEqualGradients(modelOf([conv(), ...makers.map(make => make())]), count)
    }),
    { numRuns: 40, seed: 5 },
  )
})
