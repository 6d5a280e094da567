import { expect, test } from 'vitest'
import { buildModel } from '../src/architectures/index.ts'
import { summarize } from '../src/summary.ts'
import { tf } from '../src/tfjs.ts'

test('a model is shown as in Keras', () => {
  const model = tf.sequential({
    name: 'small',
    layers: [
      tf.layers.flatten({ name: 'flatten', inputShape: [4, 4, 3] }),
      tf.layers.dense({ name: 'hidden', units: 16, trainable: false }),
      tf.layers.dense({ name: 'classes', units: 2, activation: 'softmax' }),
    ],
  })
  // hidden: 48 · 16 + 16 = 784 parameters of 4 bytes, 3.06 KB; classes: 16 · 2 + 2 = 34.
  expect(summarize(model)).toBe(`Model: "small"
┏━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━━━━━━━━━━┳━━━━━━━━━━━━━━━┓
┃ Layer (type)                    ┃ Output Shape           ┃       Param # ┃
┡━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━━━━━━━━━━╇━━━━━━━━━━━━━━━┩
│ flatten (Flatten)               │ (None, 48)             │             0 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ hidden (Dense)                  │ (None, 16)             │           784 │
├─────────────────────────────────┼────────────────────────┼───────────────┤
│ classes (Dense)                 │ (None, 2)              │            34 │
└─────────────────────────────────┴────────────────────────┴───────────────┘
 Total params: 818 (3.20 KB)
 Trainable params: 34 (136.00 B)
 Non-trainable params: 784 (3.06 KB)`)
  model.dispose()
})

test('the reference net has the totals of the Keras tutorial', () => {
  const model = buildModel('reference', { classes: 10, seed: 1 })
  // 258,762 · 4 / 1024 = 1010.79
  expect(summarize(model)).toContain(' Total params: 258,762 (1010.79 KB)\n Trainable params: 258,762 (1010.79 KB)')
  model.dispose()
})

test('a column is as wide as its longest cell', () => {
  const name = 'a_layer_with_a_name_that_is_longer_than_the_column_of_keras'
  const model = tf.sequential({ layers: [tf.layers.dense({ name, units: 1, inputShape: [1] })] })
  const lines = summarize(model).split('\n').slice(1, -3)
  expect(new Set(lines.map(line => line.length)).size).toBe(1)
  expect(lines.join('\n')).toContain(`│ ${name} (Dense) │`)
  model.dispose()
})

test('a layer that is applied to images of two sizes is shown with multiple output shapes', () => {
  const image = tf.input({ shape: [8, 8, 3] })
  const shared = tf.layers.conv2d({ name: 'shared', filters: 2, kernelSize: 3 })
  const small = tf.layers.averagePooling2d({ name: 'small', poolSize: 2 }).apply(image)
  const outputs = [image, small].map(x => shared.apply(x) as tf.SymbolicTensor)
  const model = tf.model({ inputs: image, outputs })
  // 3 · 3 · 3 · 2 + 2 = 56
  expect(summarize(model)).toContain('│ shared (Conv2D)                 │ multiple               │            56 │')
  model.dispose()
})
