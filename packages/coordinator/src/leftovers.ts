import { join } from 'node:path'
import { writeError } from './atomic-file.ts'
import { type Disk, systemDisk } from './disk.ts'
import { isProcess } from './process-identity.ts'
import { runFiles } from './run-files.ts'

const places = ['', runFiles.checkpoints, runFiles.model, runFiles.plots]

/**
 * Removes what processes that were killed had written aside in a run folder (`NAME.PID.partial`). What belongs to another
 * process that is alive on this machine stays: it may be writing. Throws as a failed write does.
 */
export async function removeLeftovers(path: string, disk = systemDisk): Promise<void> {
  for (const place of places) {
    await removeFrom(join(path, place), disk).catch(error => Promise.reject(writeError(path, error)))
  }
}

async function removeFrom(folder: string, disk: Disk): Promise<void> {
  if ((await disk.kindOf(folder)) !== 'folder') return
  for (const name of await disk.list(folder)) {
    const id = /\.(\d+)\.partial$/.exec(name)?.[1]
    if (id !== undefined && !belongsToAnother(Number(id))) await disk.remove(join(folder, name))
  }
}

/** This process has just begun: what has its number is of an earlier one. */
function belongsToAnother(id: number): boolean {
  return id !== process.pid && isProcess(id)
}
