import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { useTensorFlow } from '@lockstep/tensorflow/testing'
import { beforeAll, expect, test } from 'vitest'
import { buildModel } from '../src/architectures/index.ts'
import { readWeights } from '../src/flat-weights.ts'
import { createEagerEngine } from '../src/gradient/eager.ts'
import { fromLayersModelFiles, type LayersModelFiles, toLayersModelFiles } from '../src/layers-model-files.ts'
import { createLayout } from '../src/layout.ts'
import { createAdam } from '../src/optimizers/adam.ts'
import { tf } from '../src/tfjs.ts'
import { runNode } from './fixtures/run-node.ts'
import { keysOf, waveSamples } from './fixtures/samples.ts'

beforeAll(useTensorFlow)

const classNames = 'airplane automobile bird cat deer dog frog horse ship truck'.split(' ')

/** A net that is trained on one batch, so that it predicts many classes. */
async function trainedNet() {
  const samples = waveSamples(20, 3)
  const model = buildModel('reference', { classes: 10, seed: 1 })
  const layout = createLayout(model)
  const weights = readWeights(model, layout)
  const engine = createEagerEngine(model, layout)
  const optimizer = createAdam()
  let state = optimizer.initialState(layout.size)
  for (let step = 0; step < 25; step++) {
    const { gradient } = await engine.gradient(weights, samples.pixels, samples.labels, keysOf(samples.labels))
    state = optimizer.apply(weights, gradient, state, 0.002)
  }
  const evaluation = await engine.evaluate(weights, samples.pixels, samples.labels)
  return { samples, model, layout, weights, evaluation }
}

async function writeFolder(files: LayersModelFiles): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-model-'))
  for (const [name, contents] of Object.entries(files)) await writeFile(join(folder, name), contents)
  return folder
}

test('plain tfjs in another process makes the same predictions with the saved model', async () => {
  const { samples, model, layout, weights, evaluation } = await trainedNet()
  const folder = await writeFolder(toLayersModelFiles(model, layout, weights, { classNames }))
  const { probabilities, metadata } = JSON.parse(await runNode('predict-with-plain-tfjs.mjs', [folder], samples.pixels))
  await rm(folder, { recursive: true })

  const predictions = probabilities.map((row: number[]) => row.indexOf(Math.max(...row)))
  expect(predictions).toEqual(Array.from(evaluation.predictions))
  expect(new Set(predictions).size).toBeGreaterThan(3)
  const lossSum = probabilities.reduce(
    (sum: number, row: number[], i: number) => sum - Math.log(row[samples.labels[i]!]!),
    0,
  )
  expect(lossSum).toBeCloseTo(evaluation.lossSum, 4)
  expect(metadata).toEqual({ classNames })
})

test('the given weights are saved, not those of the model', () => {
  const model = buildModel('reference', { classes: 10, seed: 1 })
  const layout = createLayout(model)
  const weights = new Float32Array(layout.size).fill(0.5)
  const before = readWeights(model, layout)
  const files = toLayersModelFiles(model, layout, weights)
  expect(files['weights.bin'].byteLength).toBe(4 * layout.size)
  expect(new Float32Array(Uint8Array.from(files['weights.bin']).buffer)).toEqual(weights)
  expect(readWeights(model, layout)).toEqual(before)
  model.dispose()
})

test('a wrong number of weights is rejected', () => {
  const model = buildModel('reference', { classes: 10, seed: 1 })
  const layout = createLayout(model)
  for (const size of [layout.size - 1, layout.size + 1]) {
    const save = () => toLayersModelFiles(model, layout, new Float32Array(size))
    expect(save).toThrow(expect.objectContaining({ code: 'weights-size', received: `${size}` }))
  }
})

test('a loaded model has the layout, the weights and the class names of the saved one', async () => {
  const model = buildModel('reference', { classes: 10, seed: 1 })
  const layout = createLayout(model)
  const weights = readWeights(model, layout)
  const loaded = await fromLayersModelFiles(toLayersModelFiles(model, layout, weights, { classNames }))
  expect(createLayout(loaded)).toEqual(layout)
  expect(readWeights(loaded, layout)).toEqual(weights)
  expect(loaded.getUserDefinedMetadata()).toEqual({ classNames })
  expect(() => createEagerEngine(loaded, layout)).not.toThrow()
  model.dispose()
  loaded.dispose()
})

test('frozen weights are saved', async () => {
  const model = tf.sequential({
    layers: [
      tf.layers.dense({ name: 'frozen', units: 2, inputShape: [2], trainable: false }),
      tf.layers.dense({ name: 'free', units: 1 }),
    ],
  })
  const weights = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9)
  const loaded = await fromLayersModelFiles(toLayersModelFiles(model, createLayout(model), weights))
  // The three weights of the free layer come first.
  const frozen = loaded.layers[0]!.getWeights().map(weight => Array.from(weight.dataSync()))
  expect(frozen).toEqual([
    [4, 5, 6, 7],
    [8, 9],
  ])
  expect(readWeights(loaded, createLayout(loaded))).toEqual(weights)
  model.dispose()
  loaded.dispose()
})

test('damaged model files are rejected', async () => {
  const model = buildModel('reference', { classes: 10, seed: 1 })
  const layout = createLayout(model)
  const files = toLayersModelFiles(model, layout, readWeights(model, layout))
  const refused = expect.objectContaining({ code: 'model-files' })
  await expect(fromLayersModelFiles({ ...files, 'model.json': '{' })).rejects.toEqual(refused)
  await expect(fromLayersModelFiles({ ...files, 'model.json': '{}' })).rejects.toEqual(refused)
  const short = files['weights.bin'].subarray(0, -4)
  await expect(fromLayersModelFiles({ ...files, 'weights.bin': short })).rejects.toEqual(refused)
  const long = Buffer.concat([files['weights.bin'], Buffer.alloc(4)])
  await expect(fromLayersModelFiles({ ...files, 'weights.bin': long })).rejects.toEqual(refused)
  model.dispose()
})
