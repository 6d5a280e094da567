import { statfs } from 'node:fs/promises'
import { formatBytes, LockstepError } from '@lockstep/protocol'

/** Free bytes for this user in the file system of an existing folder. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Throws LockstepError `tensorflow-disk-full` if fewer than `neededBytes` are free. */
export async function requireDiskSpace(folder: string, neededBytes: number): Promise<void> {
  const free = await freeBytes(folder)
  if (free >= neededBytes) return
  throw diskFullError(folder, `${formatBytes(neededBytes)} free while installing`, `${formatBytes(free)} free`)
}

export function diskFullError(folder: string, expected: string, received: string): LockstepError {
  return new LockstepError('tensorflow-disk-full', `There is not enough space for TensorFlow in ${folder}`, {
    expected,
    received,
    hint: 'Free some space, or name a folder on another disk with LOCKSTEP_CACHE_DIR, then start again.',
  })
}
