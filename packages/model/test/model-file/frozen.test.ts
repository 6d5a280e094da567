import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createModel } from '../../src/create-model.ts'
import { createLayout } from '../../src/layout.ts'
import { type tf, usePlainJavaScript } from '../../src/tfjs.ts'
import { fromTopology, toTopology } from '../../src/topology.ts'
import { writeModelFile } from '../fixtures/model-files.ts'

beforeAll(usePlainJavaScript)

/** Builds the model of a function with this body, with its weights set to 1, 2, 3 and so on in the order of `named`. */
async function build(body: string, named: readonly string[]): Promise<tf.LayersModel> {
  const text = `export function build({ tf, classes, inputShape }) {
  const build = () => { ${body} }
  const model = build()
  const values = ${JSON.stringify(named)}
  for (const weight of model.weights) {
    weight.val.assign(tf.fill(weight.shape, 1 + values.indexOf(weight.originalName)))
  }
  return model
}`
  const model = await createModel(await writeModelFile('model.js', text), {
    classes: 4,
    seed: 1,
    inputShape: [4, 4, 2],
  })
  onTestFinished(() => void model.dispose())
  return model
}

const base = `tf.sequential({ name: 'base', layers: [
  tf.layers.dense({ name: 'b1', units: 4, inputShape: [4] }),
  tf.layers.batchNormalization({ name: 'b2' }),
  tf.layers.dense({ name: 'b3', units: 4 }),
] })`

/** A stack of layers whose weights could be confused with one another, with `inner` in the middle. */
const stack = (inner: string) => `tf.sequential({ layers: [
  tf.layers.flatten({ name: 'pixels', inputShape }),
  tf.layers.dense({ name: 'a', units: 4 }),
  ${inner},
  tf.layers.dense({ name: 'c', units: classes, activation: 'softmax' }),
] })`

const ofBase = ['b1/kernel', 'b1/bias', 'b2/gamma', 'b2/beta', 'b3/kernel', 'b3/bias']
const statistics = ['b2/moving_mean', 'b2/moving_variance']
const [ofA, ofC] = [
  ['a/kernel', 'a/bias'],
  ['c/kernel', 'c/bias'],
]

const recurrent = (bidirectional: string) => `
  const both = tf.layers.bidirectional(${bidirectional})
  const model = tf.sequential({ layers: [
    tf.layers.reshape({ name: 'rows', inputShape, targetShape: [4, 8] }),
    both,
    tf.layers.dense({ name: 'c', units: classes, activation: 'softmax' }),
  ] })
`
const ofBoth = ['forward', 'backward'].flatMap(way =>
  ['kernel', 'recurrent_kernel', 'bias'].map(name => `both/${way}_rnn/${name}`),
)

test.each<[what: string, body: string, trained: readonly string[], frozen: readonly string[]]>([
  [
    'a nested model',
    `const base = ${base}; base.trainable = false; return ${stack('base')}`,
    [...ofA, ...ofC],
    [...ofBase, ...statistics],
  ],
  [
    'a nested model in a nested model',
    `const inner = ${base}
    const outer = tf.sequential({ name: 'outer', layers: [inner, tf.layers.dense({ name: 'd', units: 4 })] })
    inner.trainable = false
    return ${stack('outer')}`,
    [...ofA, 'd/kernel', 'd/bias', ...ofC],
    [...ofBase, ...statistics],
  ],
  [
    'a nested model around a nested model',
    `const outer = tf.sequential({ name: 'outer', layers: [tf.layers.dense({ name: 'd', units: 4, inputShape: [4] }), ${base}] })
    outer.trainable = false
    return ${stack('outer')}`,
    [...ofA, ...ofC],
    ['d/kernel', 'd/bias', ...ofBase, ...statistics],
  ],
  [
    'a model whose layers are used in another model',
    `const body = ${stack("tf.layers.dense({ name: 'b', units: 4 })")}
    body.trainable = false
    const { input } = body.layers.at(-1)
    return tf.model({
      inputs: body.inputs,
      outputs: tf.layers.dense({ name: 'new', units: classes, activation: 'softmax' }).apply(input),
    })`,
    ['new/kernel', 'new/bias'],
    [...ofA, 'b/kernel', 'b/bias'],
  ],
  [
    'a model in TimeDistributed',
    `const base = tf.sequential({ name: 'base', layers: [tf.layers.dense({ name: 'b', units: 4, inputShape: [8] })] })
    base.trainable = false
    return tf.sequential({ layers: [
      tf.layers.reshape({ name: 'rows', inputShape, targetShape: [4, 8] }),
      tf.layers.timeDistributed({ name: 'each', layer: base }),
      tf.layers.flatten({ name: 'all' }),
      tf.layers.dense({ name: 'c', units: classes, activation: 'softmax' }),
    ] })`,
    ofC,
    ['b/kernel', 'b/bias'],
  ],
  [
    'a Bidirectional layer',
    `${recurrent("{ name: 'both', layer: tf.layers.simpleRNN({ name: 'rnn', units: 4 }) }")}
    both.trainable = false
    return model`,
    ofC,
    ofBoth,
  ],
])('%s stays frozen, and every weight has its value', async (_, body, trained, frozen) => {
  const model = await build(body, [...trained, ...frozen])
  const sorted = (weights: readonly tf.LayerVariable[]) => weights.map(weight => weight.originalName).sort()
  expect(sorted(model.trainableWeights)).toEqual([...trained].sort())
  expect(sorted(model.nonTrainableWeights)).toEqual([...frozen].sort())
  for (const weight of model.weights) {
    expect(weight.read().dataSync()[0]).toBe(1 + [...trained, ...frozen].indexOf(weight.originalName))
  }
  const elsewhere = await fromTopology(toTopology(model))
  onTestFinished(() => void elsewhere.dispose())
  expect(createLayout(elsewhere)).toEqual(createLayout(model))
})

describe('a model is rejected', () => {
  test.each<[what: string, body: string, received: string]>([
    [
      'if it freezes one weight of a layer',
      `const { inputs, outputs, layers } = ${stack(base)}
      layers[1].trainableWeights[1].trainable = false
      return tf.model({ inputs, outputs })`,
      'a/bias',
    ],
    [
      'if it freezes one weight in a nested model',
      `const base = ${base}
      const { inputs, outputs } = ${stack('base')}
      base.layers[2].trainableWeights[0].trainable = false
      return tf.model({ inputs, outputs })`,
      'b3/kernel',
    ],
    [
      'if it freezes one direction of a Bidirectional layer',
      `${recurrent("{ name: 'both', layer: tf.layers.simpleRNN({ name: 'rnn', units: 4, useBias: false }) }")}
      both.forwardLayer.trainable = false
      return model`,
      'both/forward_rnn/kernel, both/forward_rnn/recurrent_kernel',
    ],
  ])('%s', async (_, body, received) => {
    await expect(build(body, [])).rejects.toMatchObject({
      code: 'model-trainable',
      kind: 'usage',
      received: expect.stringContaining(received),
    })
  })
})
