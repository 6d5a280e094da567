// tfjs-node's own model.fit on the reference net: node tfjs-fit.mjs DATA_DIR SAMPLES EPOCHS THREADS
// Prints the images per second of each epoch but the first, as JSON.
import { openDataSet, takeFirst } from '@lockstep/data'
import { buildModel } from '@lockstep/model'
import { computeEnvironment, loadTensorFlow, provisionTensorFlow } from '@lockstep/tensorflow'
import * as tf from '@tensorflow/tfjs'

const [dataDir, samples, epochs, threads] = process.argv.slice(2)
Object.assign(process.env, computeEnvironment(Number(threads)))
const silent = { environment: process.env, offline: false, onProgress: () => undefined, onNotice: () => undefined }
await loadTensorFlow(await provisionTensorFlow(silent))
const dataSet = await openDataSet({ ...silent, dataset: 'cifar10', dataDir })
const train = takeFirst(dataSet.train, Number(samples))
const images = tf.tensor4d(Float32Array.from(train.pixels), [train.count, 32, 32, 3])
const labels = tf.tensor1d(Float32Array.from(train.labels))
const model = buildModel('reference', { classes: 10, seed: 1 })
model.compile({ optimizer: tf.train.adam(0.001), loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy'] })

const speeds = []
let startedAtMs = 0
await model.fit(images, labels, {
  batchSize: 50,
  epochs: Number(epochs),
  verbose: 0,
  yieldEvery: 'never',
  callbacks: {
    onEpochBegin: () => {
      startedAtMs = performance.now()
    },
    onEpochEnd: () => speeds.push((1000 * train.count) / (performance.now() - startedAtMs)),
  },
})
process.stdout.write(`${JSON.stringify(speeds.slice(1))}\n`)
