import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, test } from 'vitest'
import { tf } from '../../../src/tfjs.ts'
import { expectRightGradient } from '../../fixtures/check-gradient.ts'
import { branchedModel, conv, dense, modelOf } from '../../fixtures/small-models.ts'

beforeAll(useTensorFlow)

const { layers } = tf
type Tensor = tf.SymbolicTensor
const apply = (layer: tf.layers.Layer, x: Tensor | Tensor[]) => layer.apply(x) as Tensor
const rows = (x: Tensor) => apply(layers.reshape({ targetShape: [35, 3] }), x)

/** Each merges two branches of shape 7x5x3. */
const merges: Readonly<Record<string, (a: Tensor, b: Tensor) => Tensor>> = {
  Add: (a, b) => apply(layers.add(), [a, b]),
  'Add with one branch twice': (a, b) => apply(layers.add(), [a, b, a]),
  Multiply: (a, b) => apply(layers.multiply(), [a, b]),
  Average: (a, b) => apply(layers.average(), [a, b]),
  Maximum: (a, b) => apply(layers.maximum(), [a, b]),
  Minimum: (a, b) => apply(layers.minimum(), [a, b]),
  Concatenate: (a, b) => apply(layers.concatenate(), [a, b]),
  'Concatenate along rows': (a, b) => apply(layers.concatenate({ axis: 1 }), [a, b]),
  'Concatenate along columns': (a, b) => apply(layers.concatenate({ axis: 2 }), [a, b]),
  'Dot of vectors': (a, b) => {
    const [left, right] = [a, b].map(branch => apply(layers.flatten(), branch))
    return apply(layers.concatenate(), [left!, apply(layers.dot({ axes: -1 }), [left!, right!])])
  },
  'Dot of normalized vectors': (a, b) => {
    const [left, right] = [a, b].map(branch => apply(layers.flatten(), branch))
    return apply(layers.concatenate(), [left!, apply(layers.dot({ axes: -1, normalize: true }), [left!, right!])])
  },
  'Dot of matrices': (a, b) => apply(layers.dot({ axes: [1, 1] }), [rows(a), rows(b)]),
  'Multiply by a weight per channel': (a, b) => {
    const squeezed = apply(layers.globalAveragePooling2d({}), b)
    const weights = apply(dense({ units: 3, activation: 'sigmoid' }), squeezed)
    return apply(layers.multiply(), [a, apply(layers.reshape({ targetShape: [1, 1, 3] }), weights)])
  },
}

test.each(Object.keys(merges))('the gradient of %s is correct', async name => {
  const build = (x: Tensor) => merges[name]!(apply(conv(), x), apply(conv({ activation: 'tanh' }), x))
  await expectRightGradient(branchedModel(build))
})

test('the gradient of a convolution shared by an image and its half-size copy is correct', async () => {
  await expectRightGradient(
    branchedModel(image => {
      const [shared, means] = [conv({ activation: 'tanh' }), layers.globalAveragePooling2d({})]
      const half = apply(layers.averagePooling2d({ poolSize: 2 }), image)
      const features = [image, half].map(x => apply(means, apply(shared, x)))
      return apply(layers.concatenate(), features)
    }),
  )
})

test.each(['without', 'with'])(
  'the gradient of concatenated convolutions with biases, %s pooling, is correct',
  async pooling => {
    const branch = (x: Tensor) => {
      const convolved = apply(conv(), x)
      return pooling === 'with' ? apply(layers.maxPooling2d({ poolSize: 2 }), convolved) : convolved
    }
    const join = (x: Tensor) => apply(layers.concatenate(), [branch(x), branch(x), branch(x)])
    await expectRightGradient(branchedModel(x => apply(conv(), join(x))))
  },
)

test.each(['relu', 'elu', 'leakyReLU'] as const)('the gradient of %s of summed convolutions is correct', async name => {
  const activation = name === 'leakyReLU' ? layers.leakyReLU() : layers.activation({ activation: name })
  const side = (x: Tensor) => apply(conv({ kernelSize: 1 }), x)
  await expectRightGradient(branchedModel(x => apply(activation, apply(layers.add(), [side(x), side(x)]))))
})

test('the gradient of residual blocks is correct', async () => {
  const block = (x: Tensor) => {
    const convolve = (y: Tensor) => apply(conv({ kernelSize: 3, padding: 'same' }), y)
    const normalized = apply(layers.batchNormalization(), convolve(x))
    const inner = convolve(apply(layers.activation({ activation: 'relu' }), normalized))
    return apply(layers.activation({ activation: 'relu' }), apply(layers.add(), [x, inner]))
  }
  await expectRightGradient(branchedModel(x => block(block(apply(conv(), x)))))
})

test('the gradient of a layer that is used twice is correct', async () => {
  const shared = conv({ kernelSize: 3, filters: 2, padding: 'same', activation: 'tanh' })
  await expectRightGradient(branchedModel(x => apply(shared, apply(shared, x))))
})

test('the gradient of nested models is correct', async () => {
  const inner = tf.sequential({ layers: [conv({ inputShape: [7, 5, 3], activation: 'relu' })] })
  const middle = tf.sequential({ layers: [conv({ inputShape: [8, 6, 2] }), layers.batchNormalization(), inner] })
  await expectRightGradient(modelOf([middle, conv()]))
})

test('the gradient of a model that ends in a nested model with two inputs is correct', async () => {
  const [a, b] = [tf.input({ shape: [4] }), tf.input({ shape: [4] })]
  const joined = apply(layers.concatenate(), [a, apply(layers.batchNormalization(), b)])
  const end = tf.model({ inputs: [a, b], outputs: apply(dense({ units: 4, activation: 'softmax' }), joined) })
  const inputs = tf.input({ shape: [8, 6, 2] })
  const pixels = apply(layers.flatten(), apply(layers.rescaling({ scale: 1 / 64, offset: -2 }), inputs))
  const branches = [apply(dense({ units: 4 }), pixels), apply(dense({ units: 4, activation: 'tanh' }), pixels)]
  await expectRightGradient(tf.model({ inputs, outputs: apply(end, branches) }))
})

test('the gradient of a nested model with branches is correct', async () => {
  const inputs = tf.input({ shape: [8, 6, 2] })
  const outputs = apply(layers.add(), [apply(conv(), inputs), apply(conv({ activation: 'tanh' }), inputs)])
  await expectRightGradient(modelOf([tf.model({ inputs, outputs }), conv()]))
})

test('the gradient of a model with a frozen layer is correct', async () => {
  const frozen = conv()
  frozen.trainable = false
  await expectRightGradient(modelOf([frozen, conv()]))
})
