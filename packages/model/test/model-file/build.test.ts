import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createModel } from '../../src/create-model.ts'
import { readWeights } from '../../src/flat-weights.ts'
import { createLayout } from '../../src/layout.ts'
import { tf, usePlainJavaScript } from '../../src/tfjs.ts'
import { weightsSha256 } from '../../src/weights-hash.ts'
import { writeFiles, writeModelFile } from '../fixtures/model-files.ts'

const example = fileURLToPath(new URL('../../../../examples/models/wide-net.ts', import.meta.url))

beforeAll(usePlainJavaScript)

async function build(path: string, { seed = 1, classes = 10 } = {}): Promise<tf.LayersModel> {
  const model = await createModel(path, { classes, seed, inputShape: [32, 32, 3] })
  onTestFinished(() => void model.dispose())
  return model
}

const hashOf = (model: tf.LayersModel) => weightsSha256(readWeights(model, createLayout(model)))

/** A softmax regression, as an expression over `tf`, `classes` and `inputShape`. */
const regression = `tf.sequential({ name: 'regression', layers: [
  tf.layers.flatten({ name: 'pixels', inputShape }),
  tf.layers.dense({ name: 'classes', units: classes, activation: 'softmax' }),
] })`

describe('a model file', () => {
  test.each([
    [
      'default.ts',
      `import * as tf from '@tensorflow/tfjs'\nexport default ({ classes, inputShape }: any) => ${regression}`,
    ],
    [
      'typed.mts',
      `import * as tf from '@tensorflow/tfjs'
type Options = { readonly classes: number; readonly inputShape: [number, number, number] }
export function build({ classes, inputShape }: Options): tf.LayersModel { return ${regression} }`,
    ],
    ['given.js', `export const build = async ({ tf, classes, inputShape }) => ${regression}`],
    ['common.js', `module.exports = ({ tf, classes, inputShape }) => ${regression}`],
    [
      'required.js',
      `const tf = require('@tensorflow/tfjs')\nexports.build = ({ classes, inputShape }) => ${regression}`,
    ],
    [
      'named.mjs',
      `import { layers, sequential } from '@tensorflow/tfjs'\nconst tf = { layers, sequential }\nexport default ({ classes, inputShape }) => ${regression}`,
    ],
    ['main.mjs', `import tf from '@tensorflow/tfjs'\nexport default ({ classes, inputShape }) => ${regression}`],
    [
      'layers.ts',
      `import * as tf from '@tensorflow/tfjs-layers'\nexport default ({ classes, inputShape }: any) => ${regression}`,
    ],
    [
      'native.ts',
      `import * as tf from '@tensorflow/tfjs-node'\nexport default ({ classes, inputShape }: any) => ${regression}`,
    ],
  ])('can be written like %s', async (name, text) => {
    const model = await build(await writeModelFile(name, text), { classes: 7 })
    expect(model).toBeInstanceOf(tf.LayersModel)
    expect(model.name).toBe('regression')
    expect(model.countParams()).toBe(32 * 32 * 3 * 7 + 7)
  })

  test('receives the seed, the number of classes and the shape of the images', async () => {
    const text = `export function build({ tf, classes, seed, inputShape }) {
  if (classes !== 3 || seed !== 5 || inputShape.join() !== '32,32,3') throw new Error('told something else')
  return ${regression}
}`
    expect((await build(await writeModelFile('told.js', text), { seed: 5, classes: 3 })).outputs[0]!.shape).toEqual([
      null,
      3,
    ])
  })

  test('uses the tfjs of lockstep, also in the files it imports and if another copy is nearer', async () => {
    const folder = await writeFiles({
      'node_modules/@tensorflow/tfjs/package.json': '{ "main": "index.js" }',
      'node_modules/@tensorflow/tfjs/index.js': 'throw new Error("another tfjs")',
      'model.ts': `import * as tf from '@tensorflow/tfjs'
import { head } from './parts/head.ts'
export const build = ({ classes, inputShape }: any) =>
  tf.sequential({ layers: [tf.layers.flatten({ name: 'pixels', inputShape }), head(classes)] })`,
      'parts/head.ts': `import { layers } from '@tensorflow/tfjs'
export const head = (units: number) => layers.dense({ name: 'head', units, activation: 'softmax' })`,
    })
    expect((await build(join(folder, 'model.ts'))).layers.map(({ name }) => name)).toEqual(['pixels', 'head'])
  })

  test('is read again each time', async () => {
    const path = await writeModelFile('model.js', `export default ({ tf, classes, inputShape }) => ${regression}`)
    await build(path)
    await writeFile(
      path,
      `export default ({ tf, classes, inputShape }) => ${regression.replace('regression', 'changed')}`,
    )
    expect((await build(path)).name).toBe('changed')
  })
})

describe('the weights of a model file', () => {
  test('are initialized to the same bits for the same seed, even if no initializer has a seed', async () => {
    const { random } = Math
    const hashes: string[] = []
    for (const seed of [1, 1, 2]) hashes.push(hashOf(await build(example, { seed })))
    expect(hashes[1]).toBe(hashes[0])
    expect(hashes[2]).not.toBe(hashes[0])
    expect(Math.random).toBe(random)
  })

  test('can be set by its function', async () => {
    const text = `export function build({ tf, classes, inputShape }) {
  const model = ${regression}
  model.setWeights(model.getWeights().map(weight => tf.fill(weight.shape, 0.25)))
  return model
}`
    const model = await build(await writeModelFile('set.js', text))
    expect(readWeights(model, createLayout(model)).every(weight => weight === 0.25)).toBe(true)
  })

  test('are allocated once and disposed with the model', async () => {
    await build(example)
    const before = tf.memory().numTensors
    const model = await createModel(example, { classes: 10, seed: 1, inputShape: [32, 32, 3] })
    expect(tf.memory().numTensors - before).toBe(model.weights.length)
    model.dispose()
    expect(tf.memory().numTensors).toBe(before)
  })
})
