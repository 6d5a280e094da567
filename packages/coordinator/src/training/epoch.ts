import type { ImageSplit } from '@lockstep/data'
import type { EpochMetrics } from '../metrics.ts'
import { type RunState, startPosition } from '../run-state.ts'
import { evaluate } from './evaluation.ts'
import type { Training } from './setup.ts'

/** The start of the epoch, or of the rest of it after a resume. */
export type EpochStart = { readonly atMs: number; readonly trainSeconds: number; readonly count: number }

export function markStart({ nowMs, state }: Training): EpochStart {
  return { atMs: nowMs(), trainSeconds: state.history.trainSeconds, count: state.position.count }
}

/** Validates, records the epoch, advances to the next one and takes a checkpoint. */
export async function finishEpoch(run: Training, start: EpochStart): Promise<void> {
  const { state } = run
  const validation = run.validation === null ? null : await validate(run, run.validation)
  const metrics: EpochMetrics = {
    type: 'epoch',
    epoch: state.position.epoch,
    step: state.step,
    ...trainMeans(state.position),
    validationLoss: validation?.loss ?? null,
    validationAccuracy: validation?.accuracy ?? null,
    learningRate: run.learningRateAt(state.step - 1),
    seconds: (run.nowMs() - start.atMs) / 1000,
    imagesPerSecond: trainSpeed(state, start),
    workers: run.activeWorkers(),
  }
  state.history.epochs.push(metrics)
  state.position = startPosition(state.position.epoch + 1)
  await run.checkpoint()
  await run.onEpoch(metrics)
  run.onEvent({ type: 'epoch', metrics })
}

async function validate(run: Training, split: ImageSplit): Promise<{ loss: number; accuracy: number }> {
  run.onEvent({ type: 'phase', phase: 'validating', active: run.activeWorkers() })
  return evaluate(run, split, 'validating')
}

/** Training samples per second of their steps' wall time; 0 where a resume found all steps of the epoch done. */
function trainSpeed({ position, history }: RunState, start: EpochStart): number {
  const seconds = history.trainSeconds - start.trainSeconds
  return seconds > 0 ? (position.count - start.count) / seconds : 0
}

function trainMeans({ lossSum, correct, count }: RunState['position']): { trainLoss: number; trainAccuracy: number } {
  return { trainLoss: lossSum / count, trainAccuracy: correct / count }
}
