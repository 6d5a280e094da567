import { type Checkpoint, checkpointVersion } from '@lockstep/model'
import { exampleRunConfig } from '@lockstep/protocol/testing'
import { startPosition } from '../../src/run-state.ts'

/** A checkpoint of a run after this step, with dummy content. */
export function checkpointAt(step: number): Checkpoint {
  return {
    version: checkpointVersion,
    runId: 'written',
    config: exampleRunConfig,
    dataSha256: '1'.repeat(64),
    layoutHash: '2'.repeat(64),
    topology: '{}',
    step,
    position: startPosition(1),
    progress: {},
    optimizer: { step, powers: [], moments: [Float32Array.of(1, step)] },
    weights: Float32Array.of(step, 2, 3),
  }
}
