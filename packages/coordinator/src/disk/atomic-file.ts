import { dirname, resolve } from 'node:path'
import { hasSystemCode, LockstepError, reasonOf } from '@lockstep/protocol'
import { type Disk, type FileContent, systemDisk } from './disk.ts'

/**
 * Writes a file so that it exists completely or not at all, also after a crash: writes and syncs a temporary file,
 * renames it, and syncs the folder. Throws `disk-full` or `file-not-written`; a previous file then stays.
 */
export async function writeAtomically(path: string, content: FileContent, disk = systemDisk): Promise<void> {
  const aside = `${path}.${process.pid}.partial`
  try {
    await writeAndSync(disk, aside, content)
    await disk.rename(aside, path)
    await syncFolder(disk, dirname(path))
  } catch (error) {
    // Where this fails too, the next start of the run removes the leftover.
    await disk.remove(aside).catch(() => undefined)
    throw writeError(path, error)
  }
}

/**
 * Creates a folder and its missing parents such that files written durably into it are found after a crash. Throws what
 * `writeAtomically` throws.
 */
export async function makeFolderDurably(path: string, disk = systemDisk): Promise<void> {
  try {
    await makeAndSync(disk, resolve(path))
  } catch (error) {
    throw writeError(path, error)
  }
}

/**
 * Reads a file that decides what is written next; null where there is none. Throws `file-not-written` when it cannot be
 * read, since nothing is written then.
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

/** Describes a failed write for the user. */
export function writeError(path: string, cause: unknown): LockstepError {
  if (hasSystemCode(cause, 'ENOSPC', 'EDQUOT')) {
    const hint = 'Free some space and continue with --resume, or start with --run-dir on another disk.'
    return new LockstepError('disk-full', `the disk is full: ${path} was not written`, { hint, cause })
  }
  return new LockstepError('file-not-written', `${path} could not be written`, { received: reasonOf(cause), cause })
}

/**
 * Whether an error of this code is a failed write, which may succeed later, for example when the disk has room again.
 */
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

/**
 * Syncs an existing folder's parent too: the process that created the folder may have died before its name was safe.
 */
async function makeAndSync(disk: Disk, path: string): Promise<void> {
  const above = dirname(path)
  if ((await disk.kindOf(above)) === null) await makeAndSync(disk, above)
  await disk.makeFolder(path)
  await syncFolder(disk, above).catch(error => {
    // A process without read permission cannot sync the folder.
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
