// tfjs-node's own model.fit on the reference net: node tfjs-fit.mjs DATA_DIR SAMPLES EPOCHS BATCH THREADS
// The net divides the pixels by 255 itself. After a warm-up as long as lockstep's, in steps, prints the images per
// second and the loss of each epoch as JSON.
import { openDataSet, takeFirst } from '@lockstep/data'
import { buildModel } from '@lockstep/model'
import { loadTensorFlow, provisionTensorFlow } from '@lockstep/tensorflow'
import * as tf from '@tensorflow/tfjs'
import { silent } from '../../support/silent.mjs'
import { threadLimits } from '../../support/thread-limits.mjs'

const warmUpSteps = 20
const [dataDir, ...counts] = process.argv.slice(2)
const [samples, epochs, batchSize, threads] = counts.map(Number)
Object.assign(process.env, threadLimits(threads))
await loadTensorFlow(await provisionTensorFlow(silent))
const dataSet = await openDataSet({ ...silent, dataset: 'cifar10', dataDir })
const model = buildModel('reference', { classes: 10, seed: 1 })
model.compile({ optimizer: tf.train.adam(0.001), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })

const speeds = []
let startedAtMs = 0
await fit(warmUpSteps * batchSize, 1)
const history = await fit(samples, epochs, {
  onEpochBegin: () => {
    startedAtMs = performance.now()
  },
  onEpochEnd: () => speeds.push((1000 * samples) / (performance.now() - startedAtMs)),
})
const version = `TensorFlow.js ${tf.version.tfjs}`
process.stdout.write(`${JSON.stringify({ version, speeds, losses: history.loss })}\n`)

async function fit(count, passes, callbacks = {}) {
  const { pixels, labels } = takeFirst(dataSet.train, count)
  const images = tf.tensor4d(Float32Array.from(pixels), [count, 32, 32, 3])
  const targets = tf.tensor1d(Float32Array.from(labels))
  const settings = { batchSize, epochs: passes, verbose: 0, yieldEvery: 'never', callbacks }
  const { history } = await model.fit(images, targets, settings)
  tf.dispose([images, targets])
  return history
}
