import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { tf } from '../../../src/tfjs.ts'
import { expectRightGradient } from '../../fixtures/check-gradient.ts'
import { createEngines } from '../../fixtures/compiled.ts'
import type { SlopePrecision } from '../../fixtures/slope.ts'
import { combine, conv, initializer, modelOf, named } from '../../fixtures/small-models.ts'

beforeAll(useTensorFlow)

const { layers } = tf
type Plane = number | [number, number]
const paddings: readonly { padding: 'same' | 'valid' }[] = [{ padding: 'same' }, { padding: 'valid' }]
const strides: readonly { strides: Plane }[] = [{ strides: 1 }, { strides: 2 }, { strides: [2, 1] }, { strides: 3 }]
const dilations: readonly { dilationRate: Plane }[] = [
  { dilationRate: 2 },
  { dilationRate: 3 },
  { dilationRate: [2, 1] },
]
/** TensorFlow has no convolution with both strides and dilations. */
const stridesOrDilations = [...strides, ...dilations]

/** TensorFlow's depthwise convolution of float64 has neither unequal strides nor dilations. */
function slopePrecision(options: object): SlopePrecision {
  return 'dilationRate' in options || ('strides' in options && Array.isArray(options.strides)) ? 'float32' : 'float64'
}

describe('the gradient of Conv2D is correct', () => {
  test.each([
    ...named(combine(paddings, stridesOrDilations)),
    ...named([
      { kernelSize: 1 },
      { kernelSize: 1, strides: 2 },
      { kernelSize: [2, 3] as [number, number] },
      { kernelSize: 3, padding: 'same', strides: [1, 2] as [number, number] },
      { useBias: false },
      { useBias: false, dilationRate: 2 },
      { activation: 'relu', dilationRate: 2, padding: 'same' },
      { activation: 'softplus', dilationRate: 2 },
      { dataFormat: 'channelsFirst', kernelSize: [3, 1] as [number, number] },
      { dataFormat: 'channelsFirst', kernelSize: [2, 1] as [number, number], dilationRate: 2 },
    ] as const),
  ] as const)('with %s', async (_, options) => {
    await expectRightGradient(modelOf([conv(options)]))
  })
})

describe('the gradient of Conv1D is correct', () => {
  const lines = [{ strides: 1 }, { strides: 2 }, { strides: 3 }, { dilationRate: 2 }, { dilationRate: 3 }]
  test.each(named(combine(paddings, lines)))('with %s', async (_, options) => {
    const conv1d = layers.conv1d({ filters: 3, kernelSize: 3, kernelInitializer: initializer(), ...options })
    await expectRightGradient(modelOf([layers.reshape({ targetShape: [24, 4] }), conv1d]))
  })
})

describe('the gradient of DepthwiseConv2D is correct', () => {
  const cases = [...named(combine(paddings, strides)), ...named([{ depthMultiplier: 2 }, { useBias: false }])]
  test.each(cases)('with %s', async (_, options) => {
    const depthwise = { kernelSize: 3, depthwiseInitializer: initializer() }
    await expectRightGradient(modelOf([layers.depthwiseConv2d({ ...depthwise, ...options })]), slopePrecision(options))
  })
})

describe('the gradient of SeparableConv2D is correct', () => {
  test.each(named(combine(paddings, stridesOrDilations)))('with %s', async (_, options) => {
    const initializers = { depthwiseInitializer: initializer(), pointwiseInitializer: initializer() }
    const separable = { filters: 4, kernelSize: 2, depthMultiplier: 2, ...initializers }
    await expectRightGradient(modelOf([layers.separableConv2d({ ...separable, ...options })]), slopePrecision(options))
  })
})

describe('the gradient of Conv2DTranspose is correct', () => {
  test.each(named(combine(paddings, strides)))('with %s', async (_, options) => {
    const transposed = { filters: 3, kernelSize: 3, kernelInitializer: initializer() }
    await expectRightGradient(modelOf([layers.conv2dTranspose({ ...transposed, ...options })]))
  })
})

test.each(['depthwiseConv2d', 'conv2dTranspose'] as const)(
  'a dilated %s is rejected because tfjs ignores the dilation',
  kind => {
    const options = { filters: 3, kernelSize: 2, dilationRate: 2, name: 'holes' }
    const model = modelOf([layers[kind](options)])
    const refusal = expect.objectContaining({ code: 'model-dilation', message: expect.stringContaining('layer holes') })
    expect(() => createEngines(model)).toThrow(refusal)
  },
)
