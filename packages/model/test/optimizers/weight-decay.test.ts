import { presetNames } from '@lockstep/protocol'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { buildModel } from '../../src/architectures/index.ts'
import { createLayout, type ParameterLayout } from '../../src/layout.ts'
import { kernelDecay } from '../../src/optimizers/weight-decay.ts'
import { tf, usePlainJavaScript } from '../../src/tfjs.ts'

beforeAll(usePlainJavaScript)

function layoutOf(model: tf.LayersModel): ParameterLayout {
  onTestFinished(() => void model.dispose())
  return createLayout(model)
}

/** The names of the weights that decay, in the order of the layout. */
function decaying(layout: ParameterLayout): readonly string[] {
  const starts = new Set(kernelDecay(0.1, layout).ranges.map(({ start }) => start))
  return layout.entries.filter(({ offset }) => starts.has(offset)).map(({ name }) => name)
}

test.each(presetNames)('all weights of %s with two or more dimensions decay, and no others', preset => {
  const layout = layoutOf(buildModel(preset, { classes: 10, seed: 1 }))
  const many = layout.entries.filter(({ shape }) => shape.length >= 2)
  expect(decaying(layout)).toEqual(many.map(({ name }) => name))
  const ranges = many.map(({ offset, size }) => ({ start: offset, end: offset + size }))
  expect(kernelDecay(0.1, layout)).toEqual({ rate: 0.1, ranges })
})

test('slopes of PReLU and scales of normalization over several axes do not decay', () => {
  const layers = [
    tf.layers.separableConv2d({ name: 'separable', filters: 2, kernelSize: 3, inputShape: [4, 4, 1] }),
    tf.layers.prelu({ name: 'slopes' }),
    tf.layers.layerNormalization({ name: 'norm', axis: [1, 2, 3] }),
    tf.layers.reshape({ name: 'rows', targetShape: [4, 2] }),
    tf.layers.bidirectional({ name: 'both', layer: tf.layers.gru({ name: 'gru', units: 2 }) }),
  ]
  expect(decaying(layoutOf(tf.sequential({ name: 'mixed', layers })))).toEqual([
    'separable/depthwise_kernel',
    'separable/pointwise_kernel',
    'both/forward_gru/kernel',
    'both/forward_gru/recurrent_kernel',
    'both/backward_gru/kernel',
    'both/backward_gru/recurrent_kernel',
  ])
})

test('embeddings decay, and frozen weights do not', () => {
  const layers = [
    tf.layers.embedding({ name: 'words', inputDim: 3, outputDim: 2, inputLength: 2 }),
    tf.layers.flatten({ name: 'flat' }),
    tf.layers.dense({ name: 'frozen', units: 2, trainable: false }),
  ]
  expect(decaying(layoutOf(tf.sequential({ name: 'table', layers })))).toEqual(['words/embeddings'])
})
