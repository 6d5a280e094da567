import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, describe, test } from 'vitest'
import { tf } from '../../../src/tfjs.ts'
import { expectRightGradient } from '../../fixtures/check-gradient.ts'
import { conv, dense, initializer, modelOf, named } from '../../fixtures/small-models.ts'

beforeAll(useTensorFlow)

const { layers } = tf
const weights = named([{}, { scale: false }, { center: false }, { scale: false, center: false }])
const planeAxes = named([{ axis: 1 }, { axis: 2 }, { axis: 3 }, { axis: 1, scale: false }])
const series = () => [
  layers.reshape({ targetShape: [24, 4] }),
  layers.conv1d({ filters: 3, kernelSize: 3, kernelInitializer: initializer() }),
]

describe.each(['batchNormalization', 'layerNormalization'] as const)('the gradient of %s is correct', name => {
  test.each([...weights, ...planeAxes])('for images with %s', async (_, options) => {
    await expectRightGradient(modelOf([conv(), layers[name](options)]))
  })

  test.each(weights)('for vectors with %s', async (_, options) => {
    await expectRightGradient(modelOf([layers.flatten(), dense(), layers[name](options)]))
  })

  test.each([...weights, ...named([{ axis: 1 }])])('for series with %s', async (_, options) => {
    await expectRightGradient(modelOf([...series(), layers[name](options)]))
  })
})

test('the gradient of LayerNormalization over several axes is correct', async () => {
  await expectRightGradient(modelOf([conv(), layers.layerNormalization({ axis: [1, 2, 3] })]))
})

test('the gradient of BatchNormalization between ReLU, pooling and convolutions is correct', async () => {
  const block = () => [conv({ useBias: false }), layers.batchNormalization(), layers.activation({ activation: 'relu' })]
  await expectRightGradient(modelOf([...block(), layers.maxPooling2d({ poolSize: 2 }), ...block()]))
})

test('the gradient of a frozen BatchNormalization is correct', async () => {
  const frozen = layers.batchNormalization()
  frozen.trainable = false
  await expectRightGradient(modelOf([conv(), frozen]))
})
