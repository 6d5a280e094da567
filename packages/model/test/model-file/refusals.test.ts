import { beforeAll, describe, expect, test } from 'vitest'
import { createModel } from '../../src/create-model.ts'
import { usePlainJavaScript } from '../../src/tfjs.ts'
import { writeFiles, writeModelFile } from '../fixtures/model-files.ts'

beforeAll(usePlainJavaScript)

const create = (path: string) => createModel(path, { classes: 10, seed: 1, inputShape: [32, 32, 3] })

/** The text of a file whose function returns a Sequential of these layers. */
const layers = (...lines: readonly string[]) =>
  `import * as tf from '@tensorflow/tfjs'
export const build = ({ classes, inputShape }) => tf.sequential({ layers: [${lines.join(', ')}] })`

const flatten = "tf.layers.flatten({ name: 'pixels', inputShape })"
const softmax = "tf.layers.dense({ name: 'classes', units: classes, activation: 'softmax' })"

const custom = (registration: string, name = 'Double') => `import * as tf from '@tensorflow/tfjs'
class Double extends tf.layers.Layer {
  static className = '${name}'
  call(inputs) { return tf.mul([inputs].flat()[0], 2) }
}
${registration}
export const build = ({ classes, inputShape }) =>
  tf.sequential({ layers: [${flatten}, new Double({ name: 'double' }), ${softmax}] })`

const customActivation = (...lines: readonly string[]) => `import * as tf from '@tensorflow/tfjs'
const { constructor } = tf.layers.activation({ activation: 'relu' }).activation
class SofterSign extends Object.getPrototypeOf(constructor) {
  static className = 'softerSign'
  apply(x) { return tf.div(x, tf.add(tf.abs(x), 2)) }
}
tf.serialization.registerClass(SofterSign)
export const build = ({ classes, inputShape }) =>
  tf.sequential({ layers: [${[...lines, softmax].join(', ')}] })`

test.each<[what: string, text: string, error: object]>([
  [
    'is not JavaScript',
    'export function build( {',
    { code: 'model-file-broken', received: expect.stringContaining('model.js:1') },
  ],
  [
    'throws while it is loaded',
    "\nthrow new Error('no luck\\n today')",
    { code: 'model-file-broken', received: 'no luck today (model.js:2)' },
  ],
  [
    'imports a missing module',
    "import 'not-there'",
    { code: 'model-file-broken', received: expect.stringContaining("Cannot find module 'not-there'") },
  ],
  ['exports nothing', 'const build = () => 1', { code: 'model-file-export', received: 'no exports' }],
  ['exports no function', 'export const build = 1, other = 2', { code: 'model-file-export', received: 'build, other' }],
  [
    'has a function that throws',
    "export function build() {\n  throw new Error('no idea')\n}",
    { code: 'model-file-failed', received: 'no idea (model.js:2)' },
  ],
  [
    'has a function that rejects',
    'export const build = () => Promise.reject(7)',
    { code: 'model-file-failed', received: '7' },
  ],
  [
    'has two layers of the same name',
    layers("tf.layers.flatten({ name: 'classes', inputShape })", softmax),
    { code: 'model-file-failed', received: expect.stringContaining('All layer names should be unique') },
  ],
  ['returns nothing', 'export const build = () => {}', { code: 'model-returned', received: 'undefined' }],
  [
    'returns something other than a model',
    'export const build = () => [1]',
    { code: 'model-returned', received: 'Array' },
  ],
  [
    'has another input shape',
    layers("tf.layers.dense({ inputShape: [784], units: classes, activation: 'softmax' })"),
    { code: 'model-input', expected: '[null, 32, 32, 3]', received: '[null, 784]' },
  ],
  [
    'fixes the batch size',
    layers('tf.layers.flatten({ batchInputShape: [8, ...inputShape] })', softmax),
    { code: 'model-input', received: '[8, 32, 32, 3]' },
  ],
  [
    'has another number of classes',
    layers(flatten, "tf.layers.dense({ units: 11, activation: 'softmax' })"),
    { code: 'model-output', expected: '[null, 10]', received: '[null, 11]' },
  ],
  ['ends without a softmax', layers(flatten, 'tf.layers.dense({ units: classes })'), { code: 'model-no-softmax' }],
  [
    'has nothing to train',
    layers(flatten, "tf.layers.dense({ units: classes, activation: 'softmax', trainable: false })"),
    {
      code: 'model-not-trainable',
      expected: 'at least one trainable weight',
      received: '2, none of them trainable',
      hint: expect.stringContaining('trainable'),
    },
  ],
  [
    'draws random numbers that all samples share',
    layers(flatten, 'tf.layers.dropout({ rate: 0.5, noiseShape: [1, 3072] })', softmax),
    { code: 'random-layer' },
  ],
  [
    'constrains a weight',
    layers(flatten, softmax.replace('{', '{ kernelConstraint: tf.constraints.maxNorm({ maxValue: 1, axis: 0 }),')),
    {
      code: 'model-constraint',
      message: expect.stringContaining('layer classes (Dense)'),
      received: 'MaxNorm on classes/kernel',
    },
  ],
  [
    'constrains a weight of a cell in a nested model',
    layers(
      'tf.layers.reshape({ inputShape, targetShape: [32, 96] })',
      `tf.sequential({ layers: [
        tf.layers.gru({ name: 'memory', units: 2, biasConstraint: 'nonNeg', inputShape: [32, 96] }),
      ] })`,
      softmax,
    ),
    { code: 'model-constraint', message: expect.stringContaining('layer memory (GRU)') },
  ],
  [
    'regularizes the activity of a layer within a wrapper',
    layers(
      'tf.layers.reshape({ inputShape, targetShape: [32, 96] })',
      "tf.layers.timeDistributed({ layer: tf.layers.dense({ name: 'each', units: 1, activityRegularizer: 'l1l2' }) })",
      'tf.layers.flatten()',
      softmax,
    ),
    { code: 'model-regularizer', message: expect.stringContaining('layer each (Dense)') },
  ],
  ...['simpleRNN', 'lstm', 'gru'].map((recurrent): [string, string, object] => [
    `regularizes the activity of a ${recurrent}`,
    layers(
      'tf.layers.reshape({ inputShape, targetShape: [32, 96] })',
      `tf.layers.${recurrent}({ units: 2, activityRegularizer: 'l1l2' })`,
      softmax,
    ),
    {
      code: 'model-file-failed',
      received: expect.stringMatching(/presence of activity regularizer\(s\) is not supported/),
    },
  ]),
  [
    'regularizes the activity of a recurrent convolution',
    layers(
      'tf.layers.reshape({ inputShape, targetShape: [1, 32, 32, 3] })',
      "tf.layers.convLstm2d({ filters: 2, kernelSize: 3, activityRegularizer: 'l1l2' })",
      'tf.layers.flatten()',
      softmax,
    ),
    {
      code: 'model-file-failed',
      received: expect.stringMatching(/presence of activity regularizer\(s\) is not supported/),
    },
  ],
  [
    'regularizes the activity of a bidirectional layer',
    layers(
      'tf.layers.reshape({ inputShape, targetShape: [32, 96] })',
      "tf.layers.bidirectional({ mergeMode: 'concat', layer: tf.layers.lstm({ name: 'way', units: 2, activityRegularizer: tf.regularizers.l1() }) })",
      softmax,
    ),
    { code: 'model-regularizer', message: expect.stringContaining('layer way (LSTM)') },
  ],
  [
    'regularizes the activity of a recurrent layer in a topology from Keras',
    `export default ({ tf, classes, inputShape }) => {
      const model = tf.sequential({ layers: [
        tf.layers.reshape({ inputShape, targetShape: [32, 96] }),
        tf.layers.gru({ units: 2 }),
        tf.layers.dense({ units: classes, activation: 'softmax' }),
      ] })
      const description = model.toJSON(null, false)
      const l2 = { class_name: 'L1L2', config: { l1: 0, l2: 0.01 } }
      description.config.layers[1].config.activity_regularizer = l2
      return tf.models.modelFromJSON({ modelTopology: description })
    }`,
    {
      code: 'model-file-failed',
      received: expect.stringMatching(/presence of activity regularizer\(s\) is not supported/),
    },
  ],
  [
    'has two weights of the same name',
    layers(
      flatten,
      `tf.sequential({ name: 'inner', layers: [tf.layers.dense({ name: 'classes', units: 2, inputShape: [3072] })] })`,
      softmax,
    ),
    { code: 'layout-duplicate-name' },
  ],
  ['has a custom layer class', custom(''), { code: 'model-custom-class', received: 'Double' }],
  [
    'registers a custom layer class',
    custom('tf.serialization.registerClass(Double)'),
    { code: 'model-custom-class', received: 'Double', hint: expect.stringContaining('of tfjs') },
  ],
  [
    'registers a layer class under the name of a tfjs layer',
    custom('tf.serialization.registerClass(Double)', 'Masking'),
    { code: 'model-custom-class', received: 'Masking' },
  ],
  [
    'registers a custom activation',
    customActivation(flatten, "tf.layers.activation({ activation: 'softerSign' })"),
    { code: 'model-custom-class', received: 'softerSign' },
  ],
  [
    'registers a custom activation for the gates of a recurrent layer',
    customActivation(
      'tf.layers.reshape({ targetShape: [32, 96], inputShape })',
      "tf.layers.lstm({ units: 2, recurrentActivation: 'softerSign' })",
    ),
    { code: 'model-custom-class', received: 'softerSign' },
  ],
  [
    'has a layer that tfjs can write and cannot read',
    layers(flatten, "tf.layers.activation({ activation: 'gelu_new' })", softmax),
    { code: 'model-topology', received: expect.stringContaining('geluNew'), hint: expect.stringContaining('read') },
  ],
])('a file that %s is rejected', async (_, text, error) => {
  await expect(create(await writeModelFile('model.js', text))).rejects.toMatchObject({ kind: 'usage', ...error })
})

describe('a path is rejected', () => {
  test('if no file exists there', async () => {
    const folder = await writeFiles({ 'other.ts': '' })
    await expect(create(`${folder}/model.ts`)).rejects.toMatchObject({
      code: 'model-file-missing',
      kind: 'usage',
      message: `--model: ${folder}/model.ts is not there`,
    })
  })

  test('if it is a folder', async () => {
    const folder = await writeFiles({ 'model.ts/other.ts': '' })
    await expect(create(`${folder}/model.ts`)).rejects.toMatchObject({
      code: 'model-file-missing',
      received: expect.stringContaining('EISDIR'),
    })
  })
})
