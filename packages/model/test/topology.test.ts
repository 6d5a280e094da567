import { maxTopologyLength, presetNames } from '@lockstep/protocol'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { buildModel } from '../src/architectures/index.ts'
import { createLayout } from '../src/layout.ts'
import { tf, usePlainJavaScript } from '../src/tfjs.ts'
import { fromTopology, toTopology } from '../src/topology.ts'

beforeAll(usePlainJavaScript)

function kept(model: tf.LayersModel): tf.LayersModel {
  onTestFinished(() => void model.dispose())
  return model
}

describe.each(presetNames)('the topology of %s', preset => {
  test('rebuilds a model with the same layout and the same predictions', async () => {
    const model = kept(buildModel(preset, { classes: 10, seed: 1 }))
    const rebuilt = kept(await fromTopology(toTopology(model)))
    expect(createLayout(rebuilt)).toEqual(createLayout(model))
    expect(toTopology(rebuilt)).toBe(toTopology(model))
    rebuilt.setWeights(model.getWeights())
    const image = Float32Array.from({ length: 3072 }, (_, index) => (7 * index) % 256)
    const [first, second] = [model, rebuilt].map(each =>
      tf.tidy(() => (each.predict(tf.tensor4d(image, [1, 32, 32, 3])) as tf.Tensor).dataSync()),
    )
    expect(second).toEqual(first)
  })
})

test('a topology that is too long for a message is rejected', () => {
  const dense = tf.layers.dense({ name: 'x'.repeat(maxTopologyLength), units: 2, inputShape: [2] })
  const model = kept(tf.sequential({ name: 'long', layers: [dense] }))
  expect(() => toTopology(model)).toThrow(
    expect.objectContaining({
      code: 'model-too-large',
      kind: 'usage',
      expected: `at most ${maxTopologyLength} characters of JSON`,
    }),
  )
})

test.each(['', '{}', '{"class_name":"Sequential","config":{"layers":[{"class_name":"Nothing","config":{}}]}}'])(
  'an invalid topology is rejected: %s',
  async topology => {
    await expect(fromTopology(topology)).rejects.toMatchObject({
      code: 'model-topology',
      expected: expect.stringContaining('model.json'),
      received: expect.any(String),
      hint: expect.any(String),
    })
  },
)

test('activations that tfjs writes under another name than it registers are accepted', async () => {
  const layers = [
    tf.layers.dense({ name: 'hard', units: 2, activation: 'hardSigmoid', inputShape: [4, 2] }),
    tf.layers.lstm({ name: 'lstm', units: 2, activation: 'relu6', recurrentActivation: 'hardSigmoid' }),
  ]
  const model = kept(tf.sequential({ name: 'hard', layers }))
  expect(toTopology(kept(await fromTopology(toTopology(model))))).toBe(toTopology(model))
})

test('a DepthwiseConv2D keeps its regularizer and its constraint', async () => {
  const depthwise = tf.layers.depthwiseConv2d({
    name: 'depthwise',
    kernelSize: 3,
    inputShape: [8, 8, 3],
    depthwiseRegularizer: tf.regularizers.l2({ l2: 0.5 }),
    depthwiseConstraint: tf.constraints.maxNorm({ maxValue: 3, axis: 0 }),
  })
  const model = kept(tf.sequential({ name: 'regular', layers: [depthwise] }))
  const rebuilt = kept(await fromTopology(toTopology(model)))
  expect(rebuilt.layers[0]!.getConfig()).toMatchObject({
    depthwiseRegularizer: { className: 'L1L2', config: { l1: 0, l2: 0.5 } },
    depthwiseConstraint: { className: 'MaxNorm', config: { maxValue: 3, axis: 0 } },
  })
})
