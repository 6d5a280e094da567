import type { FoundCheckpoint } from '@lockstep/coordinator'
import { expect, test } from 'vitest'
import { refuseFewerEpochs } from '../../src/train/resumable.ts'
import { exampleConfig } from '../runs/example-runs.ts'

/** Resumes a run whose checkpoint is before this batch of an epoch; epochs count from 1, batches from 0. */
function resume(epochs: number, epoch: number, batch: number): void {
  const checkpoint = { position: { epoch, batch } } as FoundCheckpoint['checkpoint']
  refuseFewerEpochs({ ...exampleConfig, epochs }, checkpoint)
}

test.each([
  { stands: 'at the end of epoch 2', epoch: 3, batch: 0, least: 2 },
  { stands: 'within epoch 3', epoch: 3, batch: 1, least: 3 },
  { stands: 'at the start', epoch: 1, batch: 0, least: 0 },
])('a run with a checkpoint $stands can end with epoch $least, and not before', ({ epoch, batch, least }) => {
  resume(least, epoch, batch)
  expect(() => resume(least - 1, epoch, batch)).toThrow(
    expect.objectContaining({ code: 'fewer-epochs', kind: 'usage', expected: `at least ${least}` }),
  )
})
