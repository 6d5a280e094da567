import { join } from 'node:path'
import type { Checkpoint } from '@lockstep/model'
import { describeInLine, LockstepError } from '@lockstep/protocol'
import { type Disk, systemDisk } from '../disk/disk.ts'
import { runFiles } from '../run-folder/run-files.ts'
import { listCheckpoints, stepOfCheckpoint } from './checkpoint-files.ts'
import { readCheckpoint } from './read-checkpoint.ts'

/** A checkpoint that was skipped, and why. */
export type UnusableCheckpoint = { readonly name: string; readonly reason: string }

export type FoundCheckpoint = {
  readonly name: string
  readonly checkpoint: Checkpoint
  /** Newer checkpoints that cannot be used, the newest first. */
  readonly unusable: readonly UnusableCheckpoint[]
}

/**
 * Finds the newest usable checkpoint of a run folder: complete, unchanged since it was written, of this format and,
 * where `runId` is given, of this run. Throws `no-checkpoint` where there is none, and `no-usable-checkpoint` with the
 * reason for each.
 */
export async function findCheckpoint(
  path: string,
  { runId = null, disk = systemDisk }: { readonly runId?: string | null; readonly disk?: Disk } = {},
): Promise<FoundCheckpoint> {
  const folder = join(path, runFiles.checkpoints)
  const unusable: UnusableCheckpoint[] = []
  for (const name of [...(await listCheckpoints(folder, disk))].reverse()) {
    try {
      const checkpoint = await readCheckpoint(join(folder, name), runId, disk)
      return { name, checkpoint, unusable }
    } catch (error) {
      // A coordinator is still training this run: it has removed this checkpoint and written newer ones.
      if (!(await listCheckpoints(folder, disk)).includes(name)) return findCheckpoint(path, { runId, disk })
      unusable.push({ name, reason: describeInLine(error) })
    }
  }
  throw unusable.length === 0 ? noCheckpoint(path) : noneUsable(path, unusable)
}

/** The step of the newest checkpoint of a run folder, taken from its name; null where there is none. */
export async function newestCheckpointStep(path: string, disk = systemDisk): Promise<number | null> {
  const name = (await listCheckpoints(join(path, runFiles.checkpoints), disk)).at(-1)
  return name === undefined ? null : stepOfCheckpoint(name)
}

/** The messages for users about the skipped checkpoints, one line each. */
export function describeUnusable({ name, unusable }: FoundCheckpoint): readonly string[] {
  return unusable.map(passed => `${passed.name} cannot be used (${passed.reason}); taking ${name} instead`)
}

function noCheckpoint(path: string): LockstepError {
  return new LockstepError('no-checkpoint', `${path} holds no checkpoint`, {
    kind: 'usage',
    hint: 'Every run writes one at its start: here it is missing. See `pnpm cli runs`.',
  })
}

function noneUsable(path: string, unusable: readonly UnusableCheckpoint[]): LockstepError {
  const each = unusable.map(({ name, reason }) => `${name}: ${reason}`)
  return new LockstepError(
    'no-usable-checkpoint',
    `none of the checkpoints of ${path} can be used: ${each.join('; ')}`,
    {
      hint: 'Restore one from a backup, or start a new run.',
    },
  )
}
