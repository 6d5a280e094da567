import { join } from 'node:path'
import type { Checkpoint } from '@lockstep/model'
import { describeInLine, LockstepError } from '@lockstep/protocol'
import { type Disk, systemDisk } from '../disk/disk.ts'
import type { EpochMetrics } from '../metrics.ts'
import { runFiles } from '../run-folder/run-files.ts'
import { readHistory } from '../run-state.ts'
import { byValidationLoss } from '../training/history.ts'
import { checkpointName } from './checkpoint-files.ts'
import { findCheckpoint, newestCheckpointStep } from './newest-checkpoint.ts'
import { readCheckpoint } from './read-checkpoint.ts'

export type BestCheckpoint = {
  readonly name: string
  readonly checkpoint: Checkpoint
  /** The epoch at whose end it was taken. */
  readonly epoch: number
  /** Better epochs whose checkpoints cannot be used, the best first. */
  readonly unusable: readonly { readonly epoch: number; readonly name: string; readonly reason: string }[]
}

/**
 * Finds the checkpoint of the epoch with the lowest validation loss, among the epochs in the history of the newest
 * checkpoint of a run folder; where that checkpoint cannot be used, the next best. Throws `no-best-epoch`, and what
 * `findCheckpoint` throws.
 */
export async function findBestCheckpoint(
  path: string,
  { runId = null, disk = systemDisk }: { readonly runId?: string | null; readonly disk?: Disk } = {},
): Promise<BestCheckpoint> {
  const newest = await findCheckpoint(path, { runId, disk })
  const { epochs } = readHistory(newest.checkpoint.progress)
  const newestStep = await newestCheckpointStep(path, disk)
  const unusable: BestCheckpoint['unusable'][number][] = []
  for (const { epoch, step } of byValidationLoss(epochs)) {
    const name = checkpointName(step)
    try {
      const checkpoint = await readCheckpoint(join(path, runFiles.checkpoints, name), runId, disk)
      return { name, checkpoint, epoch, unusable }
    } catch (error) {
      // A coordinator is still training this run: it has found a better epoch and removed this checkpoint.
      if ((await newestCheckpointStep(path, disk)) !== newestStep) return findBestCheckpoint(path, { runId, disk })
      unusable.push({ epoch, name, reason: describeInLine(error) })
    }
  }
  throw noBest(path, epochs, unusable)
}

/** The message for users when the best checkpoint is unusable and another was taken; null otherwise. */
export function describeSecondBest({ epoch, unusable: [best] }: BestCheckpoint): string | null {
  if (best === undefined) return null
  return `${best.name} of epoch ${best.epoch}, the best one, cannot be used (${best.reason}); using epoch ${epoch}, the best usable one`
}

function noBest(path: string, epochs: readonly EpochMetrics[], [best]: BestCheckpoint['unusable']): LockstepError {
  const hint = 'Use `--weights last`.'
  if (epochs.length === 0) {
    return new LockstepError('no-best-epoch', `${path} has no best epoch: none is done yet`, { kind: 'usage', hint })
  }
  if (best === undefined) {
    const message = `${path} has no best epoch: it was trained without a validation set`
    return new LockstepError('no-best-epoch', message, { kind: 'usage', hint })
  }
  const message = `${path} holds no usable checkpoint of the best epoch or of any other: ${best.name}: ${best.reason}`
  return new LockstepError('no-best-epoch', message, { hint })
}
