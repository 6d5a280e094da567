import { existsSync, readlinkSync } from 'node:fs'
import { constants, setPriority } from 'node:os'
import { basename } from 'node:path'
import { hasSystemCode } from '@lockstep/protocol'

/** Where Linux tells a thread its number. */
const ownThread = '/proc/thread-self'

/**
 * Has Linux run this thread, and not its whole process, where a core has nothing better to do: setpriority(2) takes a
 * thread's number there. Elsewhere, and where a sandbox forbids it, it stays as it is, and takes its time from whoever computes.
 */
export function giveWay(): void {
  if (process.platform !== 'linux' || !existsSync(ownThread)) return
  try {
    setPriority(Number(basename(readlinkSync(ownThread))), constants.priority.PRIORITY_LOW)
  } catch (error) {
    if (!isForbidden(error)) throw error
  }
}

/** What Node throws has the code of all failed system calls, and the system's own beside it. */
function isForbidden(error: unknown): boolean {
  if (!hasSystemCode(error, 'ERR_SYSTEM_ERROR')) return false
  const { info } = error as { readonly info?: { readonly code?: string } }
  return info?.code === 'EACCES' || info?.code === 'EPERM'
}
