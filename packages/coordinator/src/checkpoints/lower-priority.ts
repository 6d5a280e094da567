import { existsSync, readlinkSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { basename } from 'node:path'
import { hasSystemCode } from '@lockstep/protocol'

/** Linux: a link whose target ends in the number of the calling thread. */
const ownThread = '/proc/thread-self'

/**
 * Lowers the priority of the calling thread, so that it takes time from no worker. Linux only: there setpriority(2)
 * accepts a thread's number, so the rest of the process keeps its priority. Does nothing on other systems, and where a
 * sandbox forbids it.
 */
export function lowerPriority(): void {
  if (process.platform !== 'linux' || !existsSync(ownThread)) return
  try {
    setPriority(Number(basename(readlinkSync(ownThread))), constants.priority.PRIORITY_LOW)
  } catch (error) {
    if (!isForbidden(error)) throw error
  }
}

/** Node gives all failed system calls the same code; the system's own code is in `info`. */
function isForbidden(error: unknown): boolean {
  if (!hasSystemCode(error, 'ERR_SYSTEM_ERROR')) return false
  const { info } = error as { readonly info?: { readonly code?: string } }
  return info?.code === 'EACCES' || info?.code === 'EPERM'
}
