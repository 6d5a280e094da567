// Gradient steps of lockstep on request: node lockstep-steps.mjs ENGINE PRECISION THREADS
// Requests and replies are JSON objects, one per line. A step is a worker's computation from a shard to its gradient.
// As in training, the weights change in each step.
import { createInterface } from 'node:readline'
import { buildModel, createCompiledEngine, createEagerEngine, createLayout, readWeights } from '@lockstep/model'
import { compileFunction, computeEnvironment, loadTensorFlow, provisionTensorFlow } from '@lockstep/tensorflow'
import * as tf from '@tensorflow/tfjs'
import { silent } from '../support/silent.mjs'
import { watchBinding } from './watch-binding.mjs'

const [engineName, precision, threads] = process.argv.slice(2)
const training = { augment: false, labelSmoothing: 0 }
let model
let engine
let shard
let watch
const handlers = { hello, prepare, steps, anatomy }

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  const reply = await handlers[request.do](request).catch(error => ({ error: error.message }))
  process.stdout.write(`${JSON.stringify(reply)}\n`)
}

async function hello() {
  Object.assign(process.env, computeEnvironment(Number(threads)))
  const provisioned = await provisionTensorFlow(silent)
  if (provisioned.backend !== 'tensorflow') throw new Error(provisioned.reason)
  await loadTensorFlow(provisioned)
  if (engineName === 'compiled') watch = watchBinding(tf.backend())
  return {
    'TensorFlow of lockstep': provisioned.version,
    'TensorFlow.js': tf.version.tfjs,
    Node: process.versions.node,
  }
}

/** Builds the net and takes its first step. Returns the times of compilation and of that step. */
async function prepare({ model: name, batch, classes, parameters, cacheFolder }) {
  engine?.dispose()
  model?.dispose()
  model = buildModel(name, { classes, seed: 1 })
  if (model.countParams() !== parameters) throw new Error(`${model.countParams()} parameters instead of ${parameters}`)
  const layout = createLayout(model)
  const weights = readWeights(model, layout)
  let compileMs = 0
  const compile = async options => {
    const startedAtMs = performance.now()
    const compiled = await compileFunction(options)
    compileMs += performance.now() - startedAtMs
    return compiled
  }
  engine =
    engineName === 'eager'
      ? createEagerEngine(model, layout, training)
      : createCompiledEngine(model, layout, { compile, precision, cacheFolder, training })
  shard = randomShard(batch, classes, model.inputs[0].shape.slice(1), weights)
  const startedAtMs = performance.now()
  const { lossSum, gradient } = await step()
  const firstStepMs = performance.now() - startedAtMs - compileMs
  if (!Number.isFinite(lossSum)) throw new Error(`the loss is ${lossSum}`)
  return { compileMs, firstStepMs, gradientElements: gradient.length }
}

async function steps({ count }) {
  const stepMs = []
  for (let index = 0; index < count; index++) {
    const startedAtMs = performance.now()
    await step()
    stepMs.push(performance.now() - startedAtMs)
  }
  return { stepMs }
}

/** Takes steps of a compiled engine, and measures the time of each in TensorFlow's session and in copying tensors. */
async function anatomy({ count }) {
  const parts = []
  for (let index = 0; index < count; index++) {
    watch.reset()
    const startedAtMs = performance.now()
    await step()
    parts.push({ stepMs: performance.now() - startedAtMs, ...watch.read() })
  }
  return { parts }
}

function step() {
  const { weights, pixels, labels, keys } = shard
  weights[0] += 1e-6
  return engine.gradient(weights, pixels, labels, keys)
}

function randomShard(batch, classes, sampleShape, weights) {
  const size = sampleShape.reduce((product, dimension) => product * dimension, batch)
  // Knuth's multiplicative hash of the index is noise enough for pixels.
  const pixels = Uint8Array.from({ length: size }, (_, index) => Math.imul(index + 1, 2654435761) >>> 24)
  const labels = Uint8Array.from({ length: batch }, (_, index) => index % classes)
  const keys = Int32Array.from({ length: batch }, (_, index) => Math.imul(index + 1, 2654435761))
  return { weights, pixels, labels, keys }
}
