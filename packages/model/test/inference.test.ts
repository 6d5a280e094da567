import { beforeAll, expect, test } from 'vitest'
import { buildModel } from '../src/architectures/index.ts'
import { tf } from '../src/tfjs.ts'
import { exportModel, withExported } from './fixtures/exported.ts'
import { createRandom } from './fixtures/random.ts'
import { useTensorFlow } from './fixtures/tensorflow.ts'

beforeAll(useTensorFlow)

const { layers } = tf

/** Weights away from their initial zeros and ones; variances stay positive. */
function disturb(model: tf.LayersModel): void {
  const random = createRandom(3)
  for (const weight of model.weights) {
    const values = (weight.read().dataSync() as Float32Array).map(value => value + 0.2 * random())
    weight.write(tf.tensor(values, weight.read().shape))
  }
}

async function expectEqualPredictions(model: tf.LayersModel): Promise<void> {
  disturb(model)
  const random = createRandom(9)
  const sampleShape = model.inputs[0]!.shape.slice(1) as number[]
  await withExported(model, predict => {
    for (const count of [1, 2, 7, 64]) {
      const shape = [count, ...sampleShape]
      const values = Int32Array.from({ length: tf.util.sizeFromShape(shape) }, () => 256 * random())
      const pixels = tf.tensor(values, shape, 'int32')
      const expected = model.predict(tf.cast(pixels, 'float32')) as tf.Tensor2D
      const received = predict(pixels)
      expect(received.probabilities.shape).toEqual(expected.shape)
      expect(tf.max(tf.abs(tf.sub(received.probabilities, expected))).dataSync()[0]).toBeLessThan(1e-5)
      expect(received.class.dataSync()).toEqual(tf.argMax(expected, 1).dataSync())
    }
  })
  model.dispose()
}

/** A model from 8x6x2 pixels to 4 classes. */
function modelOf(...middle: tf.layers.Layer[]): tf.LayersModel {
  const model = tf.sequential({
    layers: [layers.rescaling({ scale: 1 / 255, inputShape: [8, 6, 2] }), ...middle],
  })
  if (model.outputs[0]!.shape.length > 2) model.add(layers.flatten())
  model.add(layers.dense({ units: 4, activation: 'softmax', kernelInitializer }))
  return model
}

const kernelInitializer = tf.initializers.glorotUniform({ seed: 1 })
const conv = (filters = 3) => layers.conv2d({ filters, kernelSize: 3, activation: 'relu', kernelInitializer })
const middles: Readonly<Record<string, () => tf.layers.Layer[]>> = {
  'flattens at once': () => [],
  // 7 and 11 are the sizes of the batches that are traced.
  'has lengths of 7 and 11': () => [
    layers.flatten(),
    layers.dense({ units: 77 }),
    layers.reshape({ targetShape: [7, 11] }),
  ],
  'normalizes over the batch': () => [conv(), layers.batchNormalization(), layers.activation({ activation: 'relu6' })],
  'normalizes over each sample': () => [conv(), layers.layerNormalization()],
  'convolves by depth': () => [
    layers.depthwiseConv2d({ kernelSize: 3, padding: 'same', depthwiseInitializer: kernelInitializer }),
  ],
  'convolves by depth and then by point': () => [layers.separableConv2d({ filters: 4, kernelSize: 3 })],
  'convolves upwards': () => [layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, kernelInitializer })],
  'pools everything': () => [conv(), layers.globalAveragePooling2d({})],
  'pools in windows': () => [conv(), layers.averagePooling2d({ poolSize: 2 }), layers.maxPooling2d({ poolSize: 2 })],
  'pads, crops and scales': () => [
    layers.zeroPadding2d({ padding: 2 }),
    layers.cropping2D({
      cropping: [
        [1, 0],
        [0, 2],
      ],
    }),
    layers.upSampling2d({ size: [2, 1] }),
    layers.permute({ dims: [3, 1, 2] }),
  ],
  'works on series': () => [
    layers.reshape({ targetShape: [24, 4] }),
    layers.conv1d({ filters: 3, kernelSize: 3 }),
    layers.globalMaxPooling1d({}),
  ],
  'repeats itself': () => [
    layers.flatten(),
    layers.repeatVector({ n: 3 }),
    layers.timeDistributed({ layer: layers.dense({ units: 3 }) }),
  ],
  'activates in many ways': () => [
    ...(
      ['elu', 'selu', 'gelu', 'sigmoid', 'hardSigmoid', 'tanh', 'swish', 'mish', 'softplus', 'softsign'] as const
    ).map(activation => layers.activation({ activation })),
    layers.leakyReLU({}),
    layers.prelu({}),
    layers.elu({}),
    layers.thresholdedReLU({ theta: 0.1 }),
  ],
  'drops and adds noise in training': () => [
    conv(),
    layers.dropout({ rate: 0.5 }),
    layers.gaussianNoise({ stddev: 1 }),
  ],
  remembers: () => [layers.reshape({ targetShape: [12, 8] }), layers.gru({ units: 3 })],
}

test.each(Object.keys(middles))('a model that %s predicts the same as a SavedModel, at any batch size', async name => {
  await expectEqualPredictions(modelOf(...middles[name]!()))
})

test.each(['reference', 'vgg-bn', 'resnet20', 'mobilenet'] as const)(
  '%s predicts the same as a SavedModel',
  async name => {
    await expectEqualPredictions(buildModel(name, { classes: 10, seed: 1 }))
  },
)

test('branches that are added, multiplied and joined predict the same', async () => {
  const input = tf.input({ shape: [8, 6, 2] })
  const scaled = layers.rescaling({ scale: 1 / 255 }).apply(input)
  const [a, b] = [conv().apply(scaled), conv().apply(scaled)] as tf.SymbolicTensor[]
  const sum = layers.add().apply([a!, b!]) as tf.SymbolicTensor
  const product = layers.multiply().apply([a!, b!]) as tf.SymbolicTensor
  const joined = layers.flatten().apply(layers.concatenate().apply([sum, product]))
  const outputs = layers.dense({ units: 4, activation: 'softmax' }).apply(joined) as tf.SymbolicTensor
  await expectEqualPredictions(tf.model({ inputs: input, outputs }))
})

test('the same weights give the same file', () => {
  const model = modelOf(conv())
  expect(Buffer.from(exportModel(model)).equals(exportModel(model))).toBe(true)
})

test('exporting leaves the weights of a model and the number of tensors as they were', () => {
  const model = modelOf(conv())
  const before = [tf.memory().numTensors, ...model.weights.map(weight => weight.read().dataSync())]
  exportModel(model)
  expect([tf.memory().numTensors, ...model.weights.map(weight => weight.read().dataSync())]).toEqual(before)
})
