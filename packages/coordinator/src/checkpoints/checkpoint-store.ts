import { join } from 'node:path'
import { type Checkpoint, encodeCheckpointInParts } from '@lockstep/model/checkpoint'
import type { Disk } from '../disk/disk.ts'
import { isOwned, type OwnedFolder } from '../run-folder/ownership.ts'
import { runFiles } from '../run-folder/run-files.ts'
import { type Kept, writeCheckpoint } from './checkpoint-files.ts'

/** A checkpoint that stays as it is until it is stored, and where it belongs. */
export type CheckpointJob = Kept & {
  readonly folder: OwnedFolder
  readonly checkpoint: Checkpoint
}

/**
 * Writes a checkpoint durably into a run folder that is still its owner's, drops those that are not kept, and resolves with its path;
 * with null where the folder is gone. Throws `superseded`, `disk-full`, `file-not-written`, or as `encodeCheckpoint` does.
 */
export type CheckpointStore = (job: CheckpointJob) => Promise<string | null>

/** In this thread. */
export function storeOn(disk: Disk): CheckpointStore {
  return async ({ folder, checkpoint, ...kept }) => {
    if (!(await isOwned(folder, disk))) return null
    const content = encodeCheckpointInParts(checkpoint)
    const { step } = checkpoint
    return writeCheckpoint(join(folder.path, runFiles.checkpoints), { ...kept, step, content }, disk)
  }
}
