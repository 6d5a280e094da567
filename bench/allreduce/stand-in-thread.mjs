// A stand-in for TensorFlow in the computing thread. Its gradient is a vector that repeats one number, and waits until
// all workers have theirs.
import { createMonotonicClock } from '@lockstep/protocol'
import { loadSystemMemory } from '@lockstep/tensorflow/system-memory'
import { serveCompute } from '../../packages/worker/dist/serve-compute.js'
import { createIdleOptimizer, identityOf, readNumbers } from './plan-exchange.mjs'

/** The system's monotonic clock, which is the same for all processes. */
const nowMs = createMonotonicClock()
const gate = new BroadcastChannel('allreduce-gate')
/** By step: when this worker was released with its gradient, and the callbacks that release it. */
const letGoAt = new Map()
const held = new Map()
let opened = -1
let workers = 0
let runs = 0

gate.onmessage = ({ data }) => {
  if (data.beginRun) forget()
  if (data.open === undefined) return
  opened = data.open
  held.get(opened)?.()
  held.delete(opened)
}

await serveCompute(async ({ topology, provisioned }) => {
  const { elements } = JSON.parse(topology)
  const optimizer = createIdleOptimizer(onMean)
  return {
    engine: { name: 'stand-in', gradient, evaluate: () => ({ lossSum: 0, correct: 0, count: 1 }), dispose },
    createUpdater: () => ({ optimizer, trainableSize: elements }),
    layoutHash: identityOf(elements).layoutHash,
    size: elements,
    backend: 'stand-in for TensorFlow',
    systemMemory: loadSystemMemory(provisioned),
  }
})

async function gradient(weights, pixels) {
  const { step, shard, workers: all } = readNumbers(pixels)
  workers = all
  const vector = new Float32Array(weights.length).fill(numberOf(step, shard))
  const run = runs
  gate.postMessage({ holding: step })
  if (step > opened) await new Promise(resolve => held.set(step, resolve))
  // Shards left from the last run are released when the next one begins, but are not measured.
  if (run === runs && !letGoAt.has(step)) letGoAt.set(step, nowMs())
  return { gradient: vector, lossSum: 0, correct: 0, count: 1 }
}

/** Called when the replica has the whole mean gradient of a step in memory. */
function onMean(step, mean) {
  const haveAtMs = nowMs()
  const letGoAtMs = letGoAt.get(step) ?? null
  letGoAt.delete(step)
  gate.postMessage({ mean: step, letGoAtMs, haveAtMs, isRight: isRight(step, mean) })
}

/** A number that differs between steps and between shards. */
function numberOf(step, shard) {
  return (step % 7) + shard + 1
}

function isRight(step, mean) {
  const expected = (numberOf(step, 0) + numberOf(step, workers - 1)) / 2
  return [0, Math.floor(mean.length / 2), mean.length - 1].every(at => Math.abs(mean[at] / expected - 1) < 1e-5)
}

/** Also releases the shards that the last run has left at the gate. */
function forget() {
  for (const letGo of held.values()) letGo()
  runs += 1
  opened = -1
  letGoAt.clear()
  held.clear()
}

function dispose() {
  gate.close()
}
