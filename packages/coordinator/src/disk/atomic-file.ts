import { dirname, resolve } from 'node:path'
import { hasSystemCode, LockstepError, reasonOf } from '@lockstep/protocol'
import { type Disk, type FileContent, systemDisk } from './disk.ts'

/**
 * Writes a file so that it is there whole or not at all, also after a crash: written aside, synchronised, renamed, and
 * the folder synchronised. Throws `disk-full` or `file-not-written`; what was there before stays.
 */
export async function writeAtomically(path: string, content: FileContent, disk = systemDisk): Promise<void> {
  const aside = `${path}.${process.pid}.partial`
  try {
    await writeAndSync(disk, aside, content)
    await disk.rename(aside, path)
    await syncFolder(disk, dirname(path))
  } catch (error) {
    // A disk that fails here as well leaves it to the next start, which looks for what has been left.
    await disk.remove(aside).catch(() => undefined)
    throw writeError(path, error)
  }
}

/**
 * Makes a folder, and those above it that are missing, so that what is written durably into it is found again after a
 * crash. Throws as `writeAtomically` does.
 */
export async function makeFolderDurably(path: string, disk = systemDisk): Promise<void> {
  try {
    await makeAndSync(disk, resolve(path))
  } catch (error) {
    throw writeError(path, error)
  }
}

/**
 * The text of a file on which it depends what is written; null where there is none. Throws `file-not-written` when it
 * cannot be read, since nothing is written then.
 */
export async function readText(path: string, disk = systemDisk): Promise<string | null> {
  try {
    return new TextDecoder().decode(await disk.read(path))
  } catch (cause) {
    if (hasSystemCode(cause, 'ENOENT')) return null
    const message = `nothing was written, because ${path} could not be read`
    throw new LockstepError('file-not-written', message, { received: reasonOf(cause), cause })
  }
}

/** What a failed write means for the user. */
export function writeError(path: string, cause: unknown): LockstepError {
  if (hasSystemCode(cause, 'ENOSPC', 'EDQUOT')) {
    const hint = 'Free some space and continue with --resume, or start with --run-dir on another disk.'
    return new LockstepError('disk-full', `the disk is full: ${path} was not written`, { hint, cause })
  }
  return new LockstepError('file-not-written', `${path} could not be written`, { received: reasonOf(cause), cause })
}

/** Whether an error of this code is a write that has failed: it may succeed another time, as a disk may get room again. */
export function isDiskTrouble(code: string): boolean {
  return code === 'disk-full' || code === 'file-not-written'
}

async function writeAndSync(disk: Disk, path: string, content: FileContent): Promise<void> {
  const file = await disk.open(path, 'write')
  try {
    await file.write(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Also for a folder that is there: whoever made it may have died before its name was safe. */
async function makeAndSync(disk: Disk, path: string): Promise<void> {
  const above = dirname(path)
  if ((await disk.kindOf(above)) === null) await makeAndSync(disk, above)
  await disk.makeFolder(path)
  await syncFolder(disk, above).catch(error => {
    // Whoever may not read a folder cannot synchronise it.
    if (!hasSystemCode(error, 'EACCES', 'EPERM')) throw error
  })
}

async function syncFolder(disk: Disk, path: string): Promise<void> {
  const folder = await disk.open(path, 'read')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
