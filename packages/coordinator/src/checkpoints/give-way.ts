import { readlinkSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { basename } from 'node:path'

/**
 * Has Linux run this thread, and not its whole process, where a core has nothing better to do: setpriority(2) takes a
 * thread's number there. Elsewhere it stays as it is.
 */
export function giveWay(): void {
  if (process.platform !== 'linux') return
  setPriority(Number(basename(readlinkSync('/proc/thread-self'))), constants.priority.PRIORITY_LOW)
}
