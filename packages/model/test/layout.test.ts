import { createHash } from 'node:crypto'

import { expect, test } from 'vitest'
import { buildModel } from '../src/architectures/index.ts'
import { createLayout } from '../src/layout.ts'
import { tf } from '../src/tfjs.ts'

test('the layout of the reference net has its tensors in the order of its layers', () => {
  const model = buildModel('reference', { classes: 10, seed: 1 })
  const layout = createLayout(model)
  const parameters: [string, number[]][] = [
    ['conv1/kernel', [3, 3, 3, 32]],
    ['conv1/bias', [32]],
    ['conv2/kernel', [3, 3, 32, 64]],
    ['conv2/bias', [64]],
    ['conv3/kernel', [3, 3, 64, 128]],
    ['conv3/bias', [128]],
    ['dense1/kernel', [512, 256]],
    ['dense1/bias', [256]],
    ['dense2/kernel', [256, 128]],
    ['dense2/bias', [128]],
    ['classes/kernel', [128, 10]],
    ['classes/bias', [10]],
  ]
  let offset = 0
  const expected = parameters.map(([name, shape]) => {
    const size = shape.reduce((product, dimension) => product * dimension)
    offset += size
    return { name, shape, offset: offset - size, size }
  })
  expect(layout.entries).toEqual(expected)
  expect(layout.size).toBe(258_762)
  expect(layout.trainableSize).toBe(258_762)
  const canonical = JSON.stringify([258_762, expected.map(entry => [entry.name, entry.shape, entry.offset])])
  expect(layout.hash).toBe(createHash('sha256').update(canonical).digest('hex'))
  model.dispose()
})

test('the layout does not depend on the seed or on models built before', () => {
  const models = [1, 2, 3].map(seed => buildModel('reference', { classes: 10, seed }))
  const layouts = models.map(createLayout)
  expect(new Set(models.map(model => model.trainableWeights[0]!.name)).size).toBe(3) // tfjs's own names differ
  expect(layouts[1]).toEqual(layouts[0])
  expect(layouts[2]).toEqual(layouts[0])
  for (const model of models) model.dispose()
})

test('the layout has another hash for another number of classes', () => {
  const [ten, hundred] = [10, 100].map(classes => buildModel('reference', { classes, seed: 1 }))
  expect(createLayout(ten!).hash).not.toBe(createLayout(hundred!).hash)
  expect(createLayout(hundred!).size).toBe(270_372)
  ten!.dispose()
  hundred!.dispose()
})

test('frozen weights come last', () => {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ name: 'frozen', units: 2, inputShape: [2], trainable: false }),
      tf.layers.dense({ name: 'free', units: 1 }),
    ],
  })
  const layout = createLayout(model)
  expect(layout.trainableSize).toBe(3)
  expect(layout.entries).toEqual([
    { name: 'free/kernel', shape: [2, 1], offset: 0, size: 2 },
    { name: 'free/bias', shape: [1], offset: 2, size: 1 },
    { name: 'frozen/kernel', shape: [2, 2], offset: 3, size: 4 },
    { name: 'frozen/bias', shape: [2], offset: 7, size: 2 },
  ])
  model.dispose()
})

test('two parameters of the same name are rejected', () => {
  const inner = tf.sequential({ layers: [tf.layers.dense({ name: 'twin', units: 2, inputShape: [2] })] })
  const outer = tf.sequential({ layers: [inner, tf.layers.dense({ name: 'twin', units: 1 })] })
  expect(() => createLayout(outer)).toThrow(expect.objectContaining({ code: 'layout-duplicate-name' }))
  outer.dispose()
})
