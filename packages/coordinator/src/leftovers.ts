import { join } from 'node:path'
import { systemDisk } from './disk.ts'
import { isProcess } from './process-identity.ts'
import { runFiles } from './run-files.ts'

const places = ['', runFiles.checkpoints, runFiles.model, runFiles.plots]

/**
 * Removes what processes that were killed had written aside in a run folder (`NAME.PID.partial`). What belongs to another
 * process that is alive on this machine stays: it may be writing.
 */
export async function removeLeftovers(path: string, disk = systemDisk, isAlive = isProcess): Promise<void> {
  for (const place of places.map(name => join(path, name))) {
    if ((await disk.kindOf(place)) !== 'folder') continue
    for (const name of await disk.list(place)) {
      const id = /\.(\d+)\.partial$/.exec(name)?.[1]
      if (id === undefined || (Number(id) !== process.pid && isAlive(Number(id)))) continue
      await disk.remove(join(place, name))
    }
  }
}
