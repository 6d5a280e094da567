import { join } from 'node:path'
import { type Checkpoint, encodeCheckpointInParts } from '@lockstep/model/checkpoint'
import type { Disk } from '../disk/disk.ts'
import { isOwned, type OwnedFolder } from '../run-folder/ownership.ts'
import { runFiles } from '../run-folder/run-files.ts'
import { type Kept, writeCheckpoint } from './checkpoint-files.ts'

/** A checkpoint and where to store it. The checkpoint must not change until it is stored. */
export type CheckpointJob = Kept & {
  readonly folder: OwnedFolder
  readonly checkpoint: Checkpoint
}

/**
 * Writes a checkpoint durably into a run folder that this process still owns, removes those that are not kept, and
 * resolves with the path, or with null where the folder is gone. Throws `superseded`, `disk-full`, `file-not-written`,
 * and what `encodeCheckpoint` throws.
 */
export type CheckpointStore = (job: CheckpointJob) => Promise<string | null>

/** A store that writes in the calling thread. */
export function storeOn(disk: Disk): CheckpointStore {
  return async ({ folder, checkpoint, ...kept }) => {
    if (!(await isOwned(folder, disk))) return null
    const content = encodeCheckpointInParts(checkpoint)
    const { step } = checkpoint
    return writeCheckpoint(join(folder.path, runFiles.checkpoints), { ...kept, step, content }, disk)
  }
}
