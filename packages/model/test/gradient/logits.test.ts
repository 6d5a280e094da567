import { expect, test } from 'vitest'
import { writeWeights } from '../../src/flat-weights.ts'
import { createEagerEngine } from '../../src/gradient/eager.ts'
import { createLogits } from '../../src/gradient/logits.ts'
import { createLayout } from '../../src/layout.ts'
import { tf } from '../../src/tfjs.ts'

const input = { inputShape: [2] }
const weights = Float32Array.of(1, -1, 0.5, 2, 0.25, 0) // kernel [2, 2], bias [2]

const endings: readonly (readonly [string, () => tf.layers.Layer[]])[] = [
  ['a Dense layer with softmax', () => [tf.layers.dense({ ...input, units: 2, activation: 'softmax' })]],
  ['a Softmax layer', () => [tf.layers.dense({ ...input, units: 2 }), tf.layers.softmax()]],
  [
    'an Activation layer',
    () => [tf.layers.dense({ ...input, units: 2 }), tf.layers.activation({ activation: 'softmax' })],
  ],
  [
    'a nested model',
    () => [
      tf.layers.activation({ ...input, activation: 'linear' }),
      tf.sequential({
        layers: [
          tf.layers.activation({ ...input, activation: 'linear' }),
          tf.sequential({ layers: [tf.layers.dense({ ...input, units: 2, activation: 'softmax' })] }),
        ],
      }),
    ],
  ],
]

test.each(endings)('logits and gradient are correct for a model that ends in %s', async (_, layers) => {
  const model = tf.sequential({ layers: layers() })
  const layout = createLayout(model)
  writeWeights(model, layout, weights)
  const logits = tf.tidy(() => createLogits(model)(tf.tensor2d([[2, 1]]), { training: false }).dataSync())
  // [2, 1] · [[1, −1], [½, 2]] + [¼, 0] = [2.75, 0]
  expect(Array.from(logits)).toEqual([2.75, 0])
  const probability = 1 / (1 + Math.exp(-2.75))
  const { lossSum, gradient } = await createEagerEngine(model, layout).gradient(
    weights,
    Uint8Array.of(2, 1),
    Uint8Array.of(0),
    Int32Array.of(0),
  )
  expect(lossSum).toBeCloseTo(-Math.log(probability), 6)
  // ∂loss/∂logits = p − onehot = (p − 1, 1 − p); times the input [2, 1] for the kernel.
  const q = 1 - probability
  ;[-2 * q, 2 * q, -q, q, -q, q].forEach((expected, i) => {
    expect(gradient[i]).toBeCloseTo(expected, 6)
  })
  model.dispose()
})

test('the softmax of the logits of a functional model equals its prediction', () => {
  const symbolic = tf.input({ shape: [2] })
  const output = tf.layers.dense({ units: 3, activation: 'softmax' }).apply(symbolic) as tf.SymbolicTensor
  const model = tf.model({ inputs: symbolic, outputs: output })
  tf.tidy(() => {
    const inputs = tf.tensor2d([[1, 2]])
    const fromLogits = tf.softmax(createLogits(model)(inputs, { training: false })).dataSync()
    const fromModel = (model.predict(inputs) as tf.Tensor).dataSync()
    fromModel.forEach((probability, i) => {
      expect(fromLogits[i]).toBeCloseTo(probability, 6)
    })
  })
  model.dispose()
})

test('a softmax layer that is applied twice is skipped only at the end of the model', () => {
  const symbolic = tf.input({ shape: [2] })
  const twice = tf.layers.dense({ units: 2, activation: 'softmax', kernelInitializer: 'identity' })
  const model = tf.model({ inputs: symbolic, outputs: twice.apply(twice.apply(symbolic)) as tf.SymbolicTensor })
  const logits = tf.tidy(() => createLogits(model)(tf.tensor2d([[0, Math.log(3)]]), { training: false }).dataSync())
  // The first application returns the softmax of [0, log 3]. The kernel is 1, so the second has these values as logits.
  expect(Array.from(logits)).toEqual([expect.closeTo(0.25, 6), expect.closeTo(0.75, 6)])
  model.dispose()
})

const refused: readonly (readonly [string, () => tf.LayersModel])[] = [
  ['a linear Dense layer', () => tf.sequential({ layers: [tf.layers.dense({ ...input, units: 2 })] })],
  [
    'a sigmoid',
    () =>
      tf.sequential({
        layers: [tf.layers.dense({ ...input, units: 2 }), tf.layers.activation({ activation: 'sigmoid' })],
      }),
  ],
  [
    'a model that ends in a linear Dense layer',
    () => {
      const end = tf.sequential({ layers: [tf.layers.dense({ ...input, units: 2 })] })
      return tf.sequential({ layers: [tf.layers.activation({ ...input, activation: 'linear' }), end] })
    },
  ],
  [
    'an output of more than one dimension',
    () => tf.sequential({ layers: [tf.layers.dense({ inputShape: [3, 2], units: 2, activation: 'softmax' })] }),
  ],
]

test.each(refused)('a model that ends in %s is rejected', (_, build) => {
  const model = build()
  expect(() => createEagerEngine(model, createLayout(model))).toThrow(
    expect.objectContaining({ code: 'model-no-softmax' }),
  )
  model.dispose()
})
