import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, test } from 'vitest'
import { tf } from '../../../src/tfjs.ts'
import { expectRightGradient } from '../../fixtures/check-gradient.ts'
import { conv, dense, initializer, modelOf } from '../../fixtures/small-models.ts'

beforeAll(useTensorFlow)

const { layers } = tf
type Borders = [[number, number], [number, number]]
const borders: Borders = [
  [1, 2],
  [0, 1],
]
const recurrent = () => ({ units: 3, kernelInitializer: initializer(), recurrentInitializer: initializer() })

const cases: Readonly<Record<string, () => readonly tf.layers.Layer[]>> = {
  Flatten: () => [layers.flatten()],
  'Flatten between convolution and Dense': () => [conv(), layers.flatten(), dense()],
  Reshape: () => [conv(), layers.reshape({ targetShape: [5, 7, 3] }), conv()],
  ZeroPadding2D: () => [conv(), layers.zeroPadding2d({ padding: borders }), conv()],
  'ZeroPadding2D on all sides': () => [layers.zeroPadding2d({ padding: 2 }), conv()],
  Cropping2D: () => [conv(), layers.cropping2D({ cropping: borders }), conv()],
  UpSampling2D: () => [conv(), layers.upSampling2d({ size: [2, 3] }), conv()],
  RepeatVector: () => [layers.flatten(), layers.repeatVector({ n: 3 }), dense()],
  TimeDistributed: () => [layers.timeDistributed({ layer: dense() })],
  Masking: () => [layers.reshape({ targetShape: [24, 4] }), layers.masking({}), dense()],
  LSTM: () => [layers.reshape({ targetShape: [4, 24] }), layers.lstm(recurrent())],
  GRU: () => [layers.reshape({ targetShape: [4, 24] }), layers.gru(recurrent())],
}

test.each(Object.keys(cases))('the gradient of %s is correct', async name => {
  await expectRightGradient(modelOf(cases[name]!()))
})

const orders = [
  [1, 2, 3],
  [1, 3, 2],
  [2, 1, 3],
  [2, 3, 1],
  [3, 1, 2],
  [3, 2, 1],
]

test.each(orders.map(dims => [dims]))('the gradient of Permute to %s is correct', async dims => {
  await expectRightGradient(modelOf([conv(), layers.permute({ dims }), dense()]))
})
