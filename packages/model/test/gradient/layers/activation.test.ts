import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, describe, test } from 'vitest'
import { tf } from '../../../src/tfjs.ts'
import { expectRightGradient } from '../../fixtures/check-gradient.ts'
import { conv, dense, modelOf } from '../../fixtures/small-models.ts'

beforeAll(useTensorFlow)

const { layers } = tf
const activations = [
  ...(['relu', 'relu6', 'elu', 'selu', 'gelu', 'sigmoid', 'hardSigmoid', 'tanh', 'swish'] as const),
  ...(['mish', 'softplus', 'softsign', 'softmax', 'linear'] as const),
]
const alphaInitializer = tf.initializers.constant({ value: 0.25 })

describe.each(activations)('the gradient of %s is correct', activation => {
  test('as a layer over images', async () => {
    await expectRightGradient(modelOf([conv(), layers.activation({ activation })]))
  })

  test('in Conv2D', async () => {
    await expectRightGradient(modelOf([conv({ activation })]))
  })

  test('in Dense over vectors', async () => {
    await expectRightGradient(modelOf([layers.flatten(), dense({ activation })]))
  })
})

const activationLayers: Readonly<Record<string, () => tf.layers.Layer>> = {
  ReLU: () => layers.reLU({}),
  'ReLU with a limit': () => layers.reLU({ maxValue: 1 }),
  LeakyReLU: () => layers.leakyReLU({ alpha: 0.2 }),
  'LeakyReLU with the default slope': () => layers.leakyReLU(),
  ELU: () => layers.elu(),
  ThresholdedReLU: () => layers.thresholdedReLU({ theta: 0.3 }),
  Softmax: () => layers.softmax({ axis: -1 }),
  PReLU: () => layers.prelu(),
  'PReLU with an initial slope': () => layers.prelu({ alphaInitializer }),
}

describe.each(Object.keys(activationLayers))('the gradient of the layer %s is correct', name => {
  test('over images', async () => {
    await expectRightGradient(modelOf([conv(), activationLayers[name]!()]))
  })

  test('over vectors', async () => {
    await expectRightGradient(modelOf([layers.flatten(), dense(), activationLayers[name]!()]))
  })
})

test.each([[[1, 2]], [1]])('the gradient of PReLU with slopes shared along %s is correct', async sharedAxes => {
  await expectRightGradient(modelOf([conv(), layers.prelu({ sharedAxes, alphaInitializer })]))
})
