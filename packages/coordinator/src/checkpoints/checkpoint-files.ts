import { join } from 'node:path'
import { hasSystemCode } from '@lockstep/protocol'
import { makeFolderDurably, writeAtomically, writeError } from '../disk/atomic-file.ts'
import { type Disk, type FileContent, systemDisk } from '../disk/disk.ts'

/** The file name for a step's checkpoint. Names sort in the order of steps. */
export function checkpointName(step: number): string {
  return `step-${String(step).padStart(9, '0')}.ckpt`
}

/** The step in a checkpoint's file name. */
export function stepOfCheckpoint(name: string): number {
  return Number.parseInt(name.slice('step-'.length), 10)
}

/** The names of the checkpoints in a folder, the oldest first; empty where the folder does not exist. */
export async function listCheckpoints(folder: string, disk: Disk): Promise<readonly string[]> {
  if ((await disk.kindOf(folder)) !== 'folder') return []
  return (await disk.list(folder)).filter(name => /^step-\d+\.ckpt$/.test(name)).sort()
}

/** Which checkpoints of a folder are kept. */
export type Kept = {
  /** How many of the newest ones. */
  readonly keep: number
  /** Also the first of these steps that has a checkpoint: the ends of epochs, the best epoch first. */
  readonly best?: readonly number[]
}

/**
 * Writes a checkpoint durably, removes those that are not kept, and returns the path. Creates the folder again if it is
 * gone; making an existing folder durable is the caller's task. Throws what `writeAtomically` throws.
 */
export async function writeCheckpoint(
  folder: string,
  { step, content, ...kept }: Kept & { readonly step: number; readonly content: FileContent },
  disk = systemDisk,
): Promise<string> {
  const file = join(folder, checkpointName(step))
  await writeAtomically(file, content, disk).catch(async error => {
    if (!hasSystemCode(error.cause, 'ENOENT')) throw error
    await makeFolderDurably(folder, disk)
    await writeAtomically(file, content, disk)
  })
  await removeOldest(folder, kept, disk).catch(error => Promise.reject(writeError(folder, error)))
  return file
}

async function removeOldest(folder: string, { keep, best = [] }: Kept, disk: Disk): Promise<void> {
  const names = await listCheckpoints(folder, disk)
  const spared = best.map(checkpointName).find(name => names.includes(name))
  for (const name of names.slice(0, -keep)) if (name !== spared) await disk.remove(join(folder, name))
}

/**
 * Renames files that cannot be used, so that they are neither read nor counted again but can still be inspected. Throws
 * what `writeAtomically` throws.
 */
export async function setAside(folder: string, names: readonly string[], disk: Disk): Promise<void> {
  for (const path of names.map(name => join(folder, name))) {
    await moveAside(path, disk).catch(error => Promise.reject(writeError(path, error)))
  }
}

async function moveAside(path: string, disk: Disk): Promise<void> {
  await disk.rename(path, await freeName(path, disk))
}

async function freeName(path: string, disk: Disk): Promise<string> {
  for (let number = 1; ; number++) {
    const name = `${path}.unusable${number === 1 ? '' : `-${number}`}`
    if ((await disk.kindOf(name)) === null) return name
  }
}
