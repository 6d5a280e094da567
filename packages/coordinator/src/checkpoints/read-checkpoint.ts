import { type Checkpoint, decodeCheckpoint } from '@lockstep/model'
import { LockstepError } from '@lockstep/protocol'
import type { Disk } from '../disk/disk.ts'

/**
 * Reads a checkpoint from a file. Throws what reading and `decodeCheckpoint` throw, and `checkpoint-of-another-run`
 * where `runId` is given and differs.
 */
export async function readCheckpoint(file: string, runId: string | null, disk: Disk): Promise<Checkpoint> {
  const kind = await disk.kindOf(file)
  if (kind === null) throw new Error('it is not there')
  if (kind === 'folder') throw new Error('it is a folder')
  const checkpoint = decodeCheckpoint(await disk.read(file))
  refuseForeign(checkpoint, runId)
  return checkpoint
}

function refuseForeign(checkpoint: Checkpoint, runId: string | null): void {
  if (runId === null || checkpoint.runId === runId) return
  throw new LockstepError('checkpoint-of-another-run', 'the checkpoint belongs to another run', {
    expected: `run ${runId}`,
    received: `run ${checkpoint.runId}`,
  })
}
