import {
  type Checkpoint,
  type CheckpointPosition,
  checkpointVersion,
  encodeCheckpoint,
  type OptimizerState,
} from '@lockstep/model'
import type { Arithmetic } from '@lockstep/model/arithmetic'
import { LockstepError, type RunConfig } from '@lockstep/protocol'
import { z } from 'zod'
import { epochMetricsSchema } from './metrics.ts'

/** What a run has achieved so far. Checkpoints carry it. */
const historySchema = z.object({
  epochs: z.array(epochMetricsSchema),
  /** Wall time of training steps, warm-up included. */
  trainSeconds: z.number(),
  /** Samples and wall time of the training steps after the warm-up, from which the reported throughput is computed. */
  measuredSamples: z.number(),
  measuredSeconds: z.number(),
  /** The backends of the workers, in order of appearance. Unknown for steps trained by an earlier version. */
  backends: z.array(z.string()).optional(),
})

export type History = z.infer<typeof historySchema>

/** The complete state of a run between two steps. Weights and moments are updated in place. */
export type RunState = {
  step: number
  position: CheckpointPosition
  readonly weights: Float32Array
  optimizer: OptimizerState
  history: History
}

/** What stays the same throughout a run; every checkpoint carries it. */
export type RunIdentity = {
  readonly runId: string
  readonly config: RunConfig
  readonly dataSha256: string
  readonly layoutHash: string
  /** The layers of the model, from which workers and resumed runs build it. */
  readonly topology: string
}

export const startPosition = (epoch: number): CheckpointPosition => {
  return { epoch, batch: 0, lossSum: 0, correct: 0, count: 0 }
}

export function freshState(weights: Float32Array, optimizer: OptimizerState): RunState {
  const history = { epochs: [], trainSeconds: 0, measuredSamples: 0, measuredSeconds: 0 }
  return { step: 0, position: startPosition(1), weights, optimizer, history }
}

/** False for a run that has diverged: weights of 2¹²⁷ and more are about to overflow. */
export function hasFiniteWeights({ weights }: RunState, arithmetic: Arithmetic): boolean {
  return arithmetic.scale(weights, 1)
}

/** Refers to the state without copying it, so later steps change the checkpoint too. */
export function checkpointOf(identity: RunIdentity, state: RunState): Checkpoint {
  const { step, position, weights, optimizer, history } = state
  return { version: checkpointVersion, ...identity, step, position, optimizer, weights, progress: history }
}

export function encodeState(identity: RunIdentity, state: RunState): Uint8Array {
  return encodeCheckpoint(checkpointOf(identity, state))
}

/** The state in a checkpoint. Throws `resume-mismatch` when the data's SHA-256 is not `dataSha256`. */
export function resumeState(checkpoint: Checkpoint, dataSha256: string, arithmetic: Arithmetic): RunState {
  if (checkpoint.dataSha256 !== dataSha256) {
    throw new LockstepError('resume-mismatch', 'the run to resume was trained with another data set', {
      kind: 'usage',
      expected: checkpoint.dataSha256,
      received: dataSha256,
      hint: 'Resume with the same data, or start a new run.',
    })
  }
  const { step, position, progress } = checkpoint
  const weights = arithmetic.adopt(checkpoint.weights)
  const optimizer = { ...checkpoint.optimizer, moments: checkpoint.optimizer.moments.map(arithmetic.adopt) }
  return { step, position, weights, optimizer, history: readHistory(progress) }
}

/** The run's history in a checkpoint. Throws `checkpoint-invalid`. */
export function readHistory(progress: unknown): History {
  const parsed = historySchema.safeParse(progress)
  if (parsed.success) return parsed.data
  throw new LockstepError('checkpoint-invalid', 'the history in the checkpoint is invalid', {
    received: z.prettifyError(parsed.error),
  })
}
