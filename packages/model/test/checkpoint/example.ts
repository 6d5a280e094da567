import { exampleRunConfig } from '@lockstep/protocol/testing'
import { type Checkpoint, checkpointVersion } from '../../src/checkpoint/checkpoint.ts'

/** A checkpoint of a run with four weights, three of which are trained by Adam. */
export const exampleCheckpoint: Checkpoint = {
  version: checkpointVersion,
  runId: '2026-01-02-reference',
  config: { ...exampleRunConfig, epochs: 10, seed: 42, momentum: 0 },
  dataSha256: 'a'.repeat(64),
  layoutHash: 'b'.repeat(64),
  topology: '{"class_name":"Sequential","config":{"name":"none","layers":[]}}',
  step: 1234,
  position: { epoch: 2, batch: 434, lossSum: 0.1 + 0.2, correct: 17, count: 21_700 },
  progress: { history: [{ epoch: 1, validationLoss: 1.25 }], bestLoss: Number.POSITIVE_INFINITY },
  optimizer: {
    step: 1234,
    moments: [Float32Array.of(1, -2, 3), Float32Array.of(0.5, 0.25, 0.125)],
    powers: [0.9 ** 1234, 0.999 ** 1234],
  },
  weights: Float32Array.of(0.1, -0.2, 0.3, 0.4),
}
