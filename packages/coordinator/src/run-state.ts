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

/** What a run has to show for itself so far; carried along by checkpoints. */
const historySchema = z.object({
  epochs: z.array(epochMetricsSchema),
  /** Wall time of training steps, warm-up included. */
  trainSeconds: z.number(),
  /** Samples and wall time of the training steps after the warm-up, from which the speed is told. */
  measuredSamples: z.number(),
  measuredSeconds: z.number(),
  /** What workers have computed on, in the order in which they came; not known of what an earlier version has trained. */
  backends: z.array(z.string()).optional(),
})

export type History = z.infer<typeof historySchema>

/** All that a run is, between two steps. Weights and moments are updated in place. */
export type RunState = {
  step: number
  position: CheckpointPosition
  readonly weights: Float32Array
  optimizer: OptimizerState
  history: History
}

/** What a run is from its start to its end; every checkpoint carries it. */
export type RunIdentity = {
  readonly runId: string
  readonly config: RunConfig
  readonly dataSha256: string
  readonly layoutHash: string
  /** The layers of the model, from which workers build it, and a resumed run. */
  readonly topology: string
}

export const startPosition = (epoch: number): CheckpointPosition => {
  return { epoch, batch: 0, lossSum: 0, correct: 0, count: 0 }
}

export function freshState(weights: Float32Array, optimizer: OptimizerState): RunState {
  const history = { epochs: [], trainSeconds: 0, measuredSamples: 0, measuredSeconds: 0 }
  return { step: 0, position: startPosition(1), weights, optimizer, history }
}

/** False for the state of a run that has diverged: weights of 2¹²⁷ and more are on their way to infinity. */
export function hasFiniteWeights({ weights }: RunState, arithmetic: Arithmetic): boolean {
  return arithmetic.scale(weights, 1)
}

/** Over the state as it is: what moves on moves in it. */
export function checkpointOf(identity: RunIdentity, state: RunState): Checkpoint {
  const { step, position, weights, optimizer, history } = state
  return { version: checkpointVersion, ...identity, step, position, optimizer, weights, progress: history }
}

export function encodeState(identity: RunIdentity, state: RunState): Uint8Array {
  return encodeCheckpoint(checkpointOf(identity, state))
}

/** The state in a checkpoint. Throws `resume-mismatch` when it belongs to other data than those of this SHA-256. */
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

/** What a checkpoint knows of its run's past. Throws `checkpoint-invalid`. */
export function readHistory(progress: unknown): History {
  const parsed = historySchema.safeParse(progress)
  if (parsed.success) return parsed.data
  throw new LockstepError('checkpoint-invalid', 'the history in the checkpoint makes no sense', {
    received: z.prettifyError(parsed.error),
  })
}
