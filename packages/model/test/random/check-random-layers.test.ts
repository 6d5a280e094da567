import { beforeAll, expect, test } from 'vitest'
import { checkRandomLayers } from '../../src/random/check-random-layers.ts'
import { tf, usePlainJavaScript } from '../../src/tfjs.ts'

beforeAll(usePlainJavaScript)

const { layers } = tf

function modelOf(part: tf.layers.Layer, inputShape: readonly number[]): tf.LayersModel {
  const input = tf.input({ shape: [...inputShape] })
  return tf.model({ inputs: input, outputs: part.apply(input) as tf.SymbolicTensor })
}

const drop = { dropout: 0.2, units: 2, name: 'culprit' }
const cell = () => layers.lstmCell({ recurrentDropout: 0.1, units: 2 })

test.each<[string, () => tf.layers.Layer, readonly number[]]>([
  ['dropout of a recurrent layer', () => layers.lstm(drop), [3, 2]],
  [
    'recurrent dropout of a recurrent layer',
    () => layers.gru({ units: 2, recurrentDropout: 0.2, name: 'culprit' }),
    [3, 2],
  ],
  ['recurrent dropout of a cell', () => layers.rnn({ cell: cell(), name: 'culprit' }), [3, 2]],
  [
    'recurrent dropout of one of several cells',
    () => layers.rnn({ cell: [layers.lstmCell({ units: 2 }), cell()], name: 'culprit' }),
    [3, 2],
  ],
  ['randomness of a preprocessing layer', () => layers.randomWidth({ factor: 0.2, name: 'culprit' }), [4, 4, 1]],
  ['noise that all samples share', () => layers.dropout({ rate: 0.5, noiseShape: [1, 4], name: 'culprit' }), [4]],
  ['dropout in a nested model', () => modelOf(layers.simpleRNN(drop), [3, 2]) as unknown as tf.layers.Layer, [3, 2]],
])('%s is rejected with the name of its layer', (_what, make, inputShape) => {
  const expected = { code: 'random-layer', kind: 'usage', message: expect.stringContaining('layer culprit (') }
  const model = modelOf(make(), inputShape)
  expect(() => checkRandomLayers(model)).toThrow(expect.objectContaining(expected))
})

test('layers whose randomness depends on the keys, or without randomness, are accepted', () => {
  const noiseShape = [null, 4] as unknown as number[]
  const parts: readonly [tf.layers.Layer, readonly number[]][] = [
    [layers.dropout({ rate: 0.5, noiseShape }), [4]],
    [layers.spatialDropout1d({ rate: 0.5 }), [3, 4]],
    [layers.gaussianNoise({ stddev: 1 }), [4]],
    [layers.lstm({ units: 2 }), [3, 2]],
    [layers.timeDistributed({ layer: layers.dropout({ rate: 0.5 }) }), [3, 2]],
    [layers.bidirectional({ layer: layers.lstm({ units: 2 }) as tf.RNN, mergeMode: 'concat' }), [3, 2]],
  ]
  for (const [part, inputShape] of parts) expect(() => checkRandomLayers(modelOf(part, inputShape))).not.toThrow()
})
