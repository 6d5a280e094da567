import { maxTopologyLength, type RunConfig, savedRunConfigSchema } from '@lockstep/protocol'
import { z } from 'zod'
import type { OptimizerState } from '../optimizers/optimizer.ts'

/** The format version that this code writes, and the only one that it reads. */
export const checkpointVersion = 2

/** Everything a run needs to continue as if it had never stopped. */
export type Checkpoint = {
  readonly version: typeof checkpointVersion
  readonly runId: string
  readonly config: RunConfig
  /** Identifies the data set that the run trains on, hex. */
  readonly dataSha256: string
  /** `ParameterLayout.hash` of the model that the weights belong to, hex. */
  readonly layoutHash: string
  /** The layers of that model, as `toTopology` writes them, so that a resumed run does not need the model file. */
  readonly topology: string
  /** Optimizer steps since the start of the run. */
  readonly step: number
  /** The position within the epoch and the epoch's metrics so far. */
  readonly position: CheckpointPosition
  /** The run's results so far (its epochs and its speed), as plain data; NaN and ±Infinity are kept. */
  readonly progress: Readonly<Record<string, unknown>>
  readonly optimizer: OptimizerState
  /**
   * All weights of the model in the order of its layout; the moments belong to the trainable ones, which come first.
   */
  readonly weights: Float32Array
}

/**
 * A run's position in the training set: `batch` global batches of `epoch` are done. The sums are over these batches.
 */
export type CheckpointPosition = {
  readonly epoch: number
  readonly batch: number
  readonly lossSum: number
  readonly correct: number
  readonly count: number
}

const nonNegative = z.int().min(0)
/** Any double, including NaN: a run that has diverged must still be able to write its state. */
const float64 = z.custom<number>(value => typeof value === 'number', 'expected a number')
const sha256Hex = z.string().regex(/^[0-9a-f]{64}$/, 'expected 64 hexadecimal digits')

/** The header of a checkpoint file: everything but the tensors. */
export const checkpointHeaderSchema = z.strictObject({
  runId: z.string(),
  config: savedRunConfigSchema,
  dataSha256: sha256Hex,
  layoutHash: sha256Hex,
  topology: z.string().min(2).max(maxTopologyLength),
  step: nonNegative,
  position: z.strictObject({
    epoch: nonNegative,
    batch: nonNegative,
    lossSum: float64,
    correct: nonNegative,
    count: nonNegative,
  }),
  progress: z.record(z.string(), z.unknown()),
  optimizer: z.strictObject({ step: nonNegative, powers: z.array(float64) }),
  tensors: z.strictObject({ weights: nonNegative, moments: z.int().min(0).max(8), momentSize: nonNegative }),
})
