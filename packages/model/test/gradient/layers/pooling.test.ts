import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, describe, test } from 'vitest'
import { tf } from '../../../src/tfjs.ts'
import { expectRightGradient } from '../../fixtures/check-gradient.ts'
import { combine, conv, initializer, modelOf, named } from '../../fixtures/small-models.ts'

beforeAll(useTensorFlow)

const { layers } = tf
type Plane = number | [number, number]
const paddings: readonly { padding: 'same' | 'valid' }[] = [{ padding: 'same' }, { padding: 'valid' }]
const planes = combine(combine(paddings, [{ poolSize: 2 }, { poolSize: [3, 1] as Plane }, { poolSize: 3 }]), [
  { strides: 1 },
  { strides: 2 },
  { strides: [2, 1] as Plane },
  { strides: 3 },
])
const lines = combine(combine(paddings, [{ poolSize: 2 }, { poolSize: 3 }]), [{ strides: 1 }, { strides: 2 }])
const series = () => [
  layers.reshape({ targetShape: [24, 4] }),
  layers.conv1d({ filters: 3, kernelSize: 3, kernelInitializer: initializer() }),
]

describe('the gradient of MaxPooling2D is correct', () => {
  test.each(named(planes))('with %s', async (_, options) => {
    await expectRightGradient(modelOf([conv({ activation: 'relu' }), layers.maxPooling2d(options as never)]))
  })
})

describe('the gradient of AveragePooling2D is correct', () => {
  test.each(named(planes))('with %s', async (_, options) => {
    await expectRightGradient(modelOf([conv(), layers.averagePooling2d(options as never)]))
  })
})

describe('the gradient of MaxPooling1D is correct', () => {
  test.each(named(lines))('with %s', async (_, options) => {
    await expectRightGradient(modelOf([...series(), layers.maxPooling1d(options)]))
  })
})

describe('the gradient of AveragePooling1D is correct', () => {
  test.each(named(lines))('with %s', async (_, options) => {
    await expectRightGradient(modelOf([...series(), layers.averagePooling1d(options)]))
  })
})

test.each(['globalMaxPooling2d', 'globalAveragePooling2d'] as const)('the gradient of %s is correct', async name => {
  await expectRightGradient(modelOf([conv(), layers[name]({})]))
})

test.each(['globalMaxPooling1d', 'globalAveragePooling1d'] as const)('the gradient of %s is correct', async name => {
  await expectRightGradient(modelOf([...series(), layers[name]({})]))
})
