import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { hasSystemCode, LockstepError } from '@lockstep/protocol'

/**
 * Writes a file so that it is there whole or not at all, also after a crash: written aside, synchronised, renamed, and
 * the folder synchronised. Throws `disk-full` or `file-not-written`; what was there before stays.
 */
export async function writeAtomically(path: string, content: Uint8Array | string): Promise<void> {
  const aside = `${path}.${process.pid}.partial`
  try {
    await writeAndSync(aside, content)
    await rename(aside, path)
    await syncFolder(dirname(path))
  } catch (error) {
    await rm(aside, { force: true })
    throw writeError(path, error)
  }
}

/** What a failed write means for the user. */
export function writeError(path: string, cause: unknown): LockstepError {
  if (hasSystemCode(cause, 'ENOSPC', 'EDQUOT')) {
    const hint = 'Free some space and continue with --resume, or start with --run-dir on another disk.'
    return new LockstepError('disk-full', `the disk is full: ${path} was not written`, { hint, cause })
  }
  const reason = cause instanceof Error ? cause.message : String(cause)
  return new LockstepError('file-not-written', `${path} could not be written`, { received: reason, cause })
}

async function writeAndSync(path: string, content: Uint8Array | string): Promise<void> {
  const file = await open(path, 'w')
  try {
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
