import { join } from 'node:path'
import { writeError } from '../disk/atomic-file.ts'
import { type Disk, systemDisk } from '../disk/disk.ts'
import { isProcess } from './process-identity.ts'
import { runFiles } from './run-files.ts'

/** Where a run writes files aside, and what it calls them. */
const places: readonly (readonly [folder: string, name: RegExp])[] = [
  ['', /^(config|life|summary)\.json$|^metrics\.jsonl$/],
  [runFiles.checkpoints, /^step-\d+\.ckpt$/],
  [runFiles.model, /^(model\.json|weights\.bin)$/],
  [runFiles.plots, /^[a-z-]+\.(svg|png)$/],
]

/**
 * Removes what processes that were killed had written aside in a run folder (`NAME.PID.partial`). What belongs to another
 * process that is alive on this machine stays: it may be writing. Throws as a failed write does.
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

/** This process has just begun: what has its number is of an earlier one. */
function belongsToAnother(id: number): boolean {
  return id !== process.pid && isProcess(id)
}
