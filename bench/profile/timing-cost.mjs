// Measures the cost of timing a step: calls its functions in a loop, as often as a step calls them.
import { createTimeline, decodeMessage, encodeMessage, workerPhases } from '@lockstep/protocol'
import { createClockOffset } from '../../packages/coordinator/dist/timing/clock-offset.js'
import { createStepTiming } from '../../packages/coordinator/dist/timing/step-timing.js'
import { median } from '../support/statistics.mjs'

const [rounds, repeats] = [5000, 9]
/** The phases of a worker's computing thread between two gradients. */
const workerRound = ['encode', 'send', 'receive', 'wait', 'receive', 'optimizer', 'receive', 'compute']
const sizes = { weights: 8, trainable: 8, moments: 2, bytesPerSample: 1, maxSamples: 1, gradientType: 'float32' }
const gradient = { type: 'gradient', runId: 'r', step: 1, shard: 1, count: 1, lossSum: 1, correct: 1, slot: null }
const tensors = { gradient: new Float32Array(8) }

/** Microseconds that timing adds to a step with one shard per worker, on each side. */
export function measureTimingCost(workers) {
  const timeline = createTimeline(workerPhases, () => performance.now())
  const roundOfWorker = () => {
    for (const phase of workerRound) timeline.enter(phase)
    return timeline.take()
  }
  const times = roundOfWorker()
  const carrying = { ...gradient, times }
  const bare = { ...gradient, times: times.slice(0, 1) }
  const wire = passOver(carrying) - passOver(bare)
  return {
    workerUs: microseconds(roundOfWorker) + Math.max(0, wire) / 2,
    coordinatorUs: microseconds(coordinatorStep(workers, carrying)) + (workers * Math.max(0, wire)) / 2,
  }
}

/** Encoding plus decoding; each side does one of the two. */
function passOver(message) {
  return microseconds(() => decodeMessage(encodeMessage(message, tensors), sizes))
}

function coordinatorStep(workers, message) {
  const timing = createStepTiming({ nowMs: () => performance.now(), warmUpSteps: 0, logsSteps: false, trace: null })
  const clock = createClockOffset()
  clock.add({ sentMs: 0, receivedMs: 1, answeredMs: 2, arrivedMs: 3 })
  let step = 0
  return () => {
    for (const phase of ['prepare', 'wait']) timing.enter(phase)
    for (let worker = 1; worker <= workers; worker++) {
      timing.hear(worker, message, clock)
      for (const phase of ['receive', 'reduce', 'receive', 'prepare', 'receive', 'wait']) timing.enter(phase)
    }
    for (const phase of ['send', 'optimizer', 'other']) timing.enter(phase)
    timing.end({ epoch: 1, step: ++step, lossSum: 1, correct: 1, count: 1 })
  }
}

function microseconds(action) {
  const measured = Array.from({ length: repeats }, () => {
    const startMs = performance.now()
    for (let round = 0; round < rounds; round++) action()
    return (1000 * (performance.now() - startMs)) / rounds
  })
  return median(measured)
}
