import { join } from 'node:path'
import { writeError } from '../disk/atomic-file.ts'
import { type Disk, systemDisk } from '../disk/disk.ts'
import { isProcess } from './process-identity.ts'
import { runFiles } from './run-files.ts'

/** Where a run writes temporary files, and the names of the files they become. */
const places: readonly (readonly [folder: string, name: RegExp])[] = [
  ['', /^(config|life|summary)\.json$|^metrics\.jsonl$/],
  [runFiles.checkpoints, /^step-\d+\.ckpt$/],
  [runFiles.model, /^(model\.json|weights\.bin)$/],
  [runFiles.plots, /^[a-z-]+\.(svg|png)$/],
]

/**
 * Removes the temporary files (`NAME.PID.partial`) that killed processes have left in a run folder. Those of another
 * live process on this machine stay, since it may be writing. Throws what a failed write throws.
 */
export async function removeLeftovers(path: string, disk = systemDisk): Promise<void> {
  for (const [folder, file] of places) {
    await removeFrom(join(path, folder), file, disk).catch(error => Promise.reject(writeError(path, error)))
  }
}

async function removeFrom(folder: string, file: RegExp, disk: Disk): Promise<void> {
  if ((await disk.kindOf(folder)) !== 'folder') return
  for (const name of await disk.list(folder)) {
    const [, whole, id] = /^(.+)\.(\d+)\.partial$/.exec(name) ?? []
    if (whole !== undefined && file.test(whole) && !belongsToAnother(Number(id))) await disk.remove(join(folder, name))
  }
}

/** This process has just started, so a file with its own number is from an earlier process. */
function belongsToAnother(id: number): boolean {
  return id !== process.pid && isProcess(id)
}
