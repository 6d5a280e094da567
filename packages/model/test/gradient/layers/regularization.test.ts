import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, describe, expect, test } from 'vitest'
import { tf } from '../../../src/tfjs.ts'
import { expectRightGradient } from '../../fixtures/check-gradient.ts'
import { createEngines } from '../../fixtures/compiled.ts'
import { keysOf } from '../../fixtures/samples.ts'
import { branchedModel, conv, dense, initializer, modelOf } from '../../fixtures/small-models.ts'

beforeAll(useTensorFlow)

const { layers, regularizers } = tf
const kinds = {
  L1: () => regularizers.l1({ l1: 0.02 }),
  L2: () => regularizers.l2({ l2: 0.03 }),
  L1L2: () => regularizers.l1l2({ l1: 0.02, l2: 0.03 }),
}

describe.each(['L1', 'L2', 'L1L2'] as const)('the gradient with an %s penalty', kind => {
  const penalty = kinds[kind]
  const depthwise = { kernelSize: 2, depthwiseInitializer: initializer(), depthwiseRegularizer: penalty() }

  test('on kernels is correct', async () => {
    const convolution = conv({ kernelRegularizer: penalty(), activation: 'tanh' })
    await expectRightGradient(modelOf([convolution, layers.flatten(), dense({ kernelRegularizer: penalty() })]))
  })

  test('on biases is correct', async () => {
    const convolution = conv({ biasRegularizer: penalty(), activation: 'tanh' })
    await expectRightGradient(modelOf([convolution, layers.flatten(), dense({ biasRegularizer: penalty() })]))
  })

  test('on depthwise and separable convolutions is correct', async () => {
    const separable = layers.separableConv2d({ filters: 3, ...depthwise, pointwiseRegularizer: penalty() })
    await expectRightGradient(modelOf([layers.depthwiseConv2d(depthwise), separable]))
  })

  test('on BatchNormalization and PReLU is correct', async () => {
    const normalization = layers.batchNormalization({ gammaRegularizer: penalty(), betaRegularizer: penalty() })
    await expectRightGradient(modelOf([conv(), normalization, layers.prelu({ alphaRegularizer: penalty() })]))
  })

  test('on recurrent layers is correct', async () => {
    const memory = layers.gru({ units: 3, kernelRegularizer: penalty(), recurrentRegularizer: penalty() })
    const both = layers.bidirectional({ layer: memory as never, mergeMode: 'sum' })
    await expectRightGradient(modelOf([layers.reshape({ targetShape: [8, 12] }), both]))
  })
})

/** A regression from one pixel to two classes. */
function regression() {
  const inputs = tf.input({ shape: [1, 1, 1] })
  const flat = layers.flatten().apply(inputs)
  const kernelRegularizer = regularizers.l1l2({ l1: 0.1, l2: 0.01 })
  const biasRegularizer = regularizers.l2({ l2: 0.5 })
  const options = { units: 2, activation: 'softmax', kernelRegularizer, biasRegularizer } as const
  return tf.model({ inputs, outputs: layers.dense(options).apply(flat) as tf.SymbolicTensor })
}

test('the penalty is part of the loss of every sample, in training and in evaluation', async () => {
  const { eager, compiled } = createEngines(regression())
  const weights = Float32Array.of(3, -4, 1, 1)
  const [pixels, labels] = [Uint8Array.of(0, 0, 0), Uint8Array.of(0, 1, 1)]
  // For black pixels both logits are 1, the biases: the cross-entropy of each of the 3 samples is log 2. The kernel's
  // penalty is 0.1 · (3 + 4) + 0.01 · (9 + 16) = 0.95, that of the biases 0.5 · (1 + 1) = 1.
  const lossSum = 3 * (Math.log(2) + 0.95 + 1)
  // The gradient of the kernel is that of its penalty, 0.1 · sign(w) + 0.02 · w. That of a bias is p − the share of its
  // label, 1/2 − 1/3 or 1/2 − 2/3, plus 2 · 0.5 · 1.
  const gradient = [0.16, -0.18, 7 / 6, 5 / 6]
  for (const engine of [eager, compiled]) {
    const received = await engine.gradient(weights, pixels, labels, keysOf(labels))
    expect(received.lossSum).toBeCloseTo(lossSum, 5)
    expect(Array.from(received.gradient)).toEqual(gradient.map(value => expect.closeTo(value, 6)))
    expect((await engine.evaluate(weights, pixels, labels)).lossSum).toBeCloseTo(lossSum, 5)
    engine.dispose()
  }
})

describe('the penalty of an L2 regularizer', () => {
  const options = () => ({ kernelRegularizer: regularizers.l2({ l2: 0.5 }) })
  const recurrent = () => ({ units: 2, recurrentInitializer: initializer(), ...options() })
  const [apply, reshape] = [
    (layer: tf.layers.Layer, x: tf.SymbolicTensor) => layer.apply(x) as tf.SymbolicTensor,
    () => layers.reshape({ targetShape: [8, 12] }),
  ]
  const inRows = (layer: tf.layers.Layer) => () => modelOf([reshape(), layer])

  test.each<[what: string, build: () => tf.LayersModel, name: RegExp, count: number]>([
    [
      'a layer that is applied twice',
      () => {
        const shared = conv({ name: 'shared', filters: 2, padding: 'same', ...options() })
        return branchedModel(x => apply(shared, apply(shared, x)))
      },
      /^shared\/kernel$/,
      1,
    ],
    [
      'a layer of a model that is applied twice',
      () => {
        const inner = conv({ name: 'inner', filters: 2, padding: 'same', inputShape: [8, 6, 2], ...options() })
        const shared = tf.sequential({ layers: [inner] })
        return branchedModel(x => apply(shared, apply(shared, x)))
      },
      /^inner\/kernel$/,
      1,
    ],
    [
      'a TimeDistributed layer',
      inRows(layers.timeDistributed({ name: 'rows', layer: dense({ ...options() }) })),
      /^rows\/kernel$/,
      1,
    ],
    ['an LSTM', inRows(layers.lstm({ name: 'memory', ...recurrent() })), /^memory\/kernel$/, 1],
    ['a GRU', inRows(layers.gru({ name: 'memory', ...recurrent() })), /^memory\/kernel$/, 1],
    ['a SimpleRNN', inRows(layers.simpleRNN({ name: 'memory', ...recurrent() })), /^memory\/kernel$/, 1],
    [
      'a Bidirectional layer',
      inRows(layers.bidirectional({ name: 'both', layer: layers.lstm({ name: 'lstm', ...recurrent() }) as never })),
      /^both\/(forward|backward)_lstm\/kernel$/,
      2,
    ],
    [
      'stacked cells',
      inRows(layers.rnn({ name: 'stack', cell: [layers.lstmCell(recurrent()), layers.gruCell(recurrent())] as never })),
      /^stack\/.*\/kernel$/,
      2,
    ],
  ])('counts each kernel of %s once', async (_, build, name, count) => {
    const model = build()
    const { layout, weights, eager, compiled, samples } = createEngines(model)
    const { pixels, labels } = samples(1)
    const kernels = layout.entries.filter(entry => name.test(entry.name))
    expect(kernels).toHaveLength(count)
    const squares = kernels.flatMap(({ offset, size }) => [...weights.subarray(offset, offset + size)].map(w => w * w))
    const penalty = 0.5 * squares.reduce((sum, square) => sum + square, 0)
    for (const engine of [eager, compiled]) {
      const { lossSum } = await engine.evaluate(weights, pixels, labels)
      expect(lossSum - crossEntropyOf(model, pixels, labels[0]!)).toBeCloseTo(penalty, 4)
      engine.dispose()
    }
    model.dispose()
  })
})

/** −log of the probability that a model, with its current weights, assigns to the label of one sample. */
function crossEntropyOf(model: tf.LayersModel, pixels: Uint8Array, label: number): number {
  const shape = [1, ...model.inputs[0]!.shape.slice(1)] as number[]
  const probabilities = tf.tidy(() => (model.predict(tf.tensor([...pixels], shape)) as tf.Tensor).dataSync())
  return -Math.log(probabilities[label]!)
}
