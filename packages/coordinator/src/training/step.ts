import { applyUpdate } from '@lockstep/model'
import type { BatchResult } from './batch-gradient.ts'
import type { Training } from './setup.ts'

/** Steps at the start of a run that its throughput leaves out. */
export const warmUpSteps = 20

/**
 * Sends the mean gradient of a step to the workers before the coordinator applies it, so that they compute meanwhile.
 */
export function tellStep(run: Training, { gradient, lossSum, count, isEverywhere }: BatchResult): void {
  const { state, runId, timing } = run
  run.losses.add(lossSum / count)
  if (isEverywhere?.() === true) return
  timing.enter('send')
  const packed = run.format.pack(gradient, { step: state.step, shard: 'mean' })
  run.broadcast({ type: 'update', runId, step: state.step, learningRate: run.learningRateAt(state.step) }, packed)
  // The coordinator uses the rounded mean too, as all replicas do.
  run.format.unpack(packed, gradient)
}

/** Takes the optimizer step that every replica takes. */
export function takeStep(run: Training, { gradient }: BatchResult): void {
  const { state, timing } = run
  timing.enter('optimizer')
  state.optimizer = applyUpdate(run, state.weights, gradient, state.optimizer, run.learningRateAt(state.step))
  state.step += 1
}

/** Counts the step, its samples and its time. */
export function recordStep({ state, credit }: Training, result: BatchResult, elapsedMs: number): void {
  for (const { workerId, samples } of result.shares) credit(workerId, samples)
  const { epoch, batch, lossSum, correct, count } = state.position
  state.position = {
    epoch,
    batch: batch + 1,
    lossSum: lossSum + result.lossSum,
    correct: correct + result.correct,
    count: count + result.count,
  }
  const { history } = state
  history.trainSeconds += elapsedMs / 1000
  if (state.step <= warmUpSteps) return
  history.measuredSamples += result.count
  history.measuredSeconds += elapsedMs / 1000
}

/** Reports the progress of an epoch of `batches` batches. */
export function reportStep({ state, onEvent, activeWorkers }: Training, batches: number): void {
  const { epoch, batch, lossSum, correct, count } = state.position
  const means = { loss: lossSum / count, accuracy: correct / count }
  onEvent({ type: 'step', epoch, batch, batches, step: state.step, ...means, samples: count, active: activeWorkers() })
}
