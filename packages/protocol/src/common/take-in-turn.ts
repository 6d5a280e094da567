import { setTimeout as sleep } from 'node:timers/promises'
import { hasSystemCode } from './error.ts'

/**
 * Takes a lock of proper-lockfile as soon as it is free; calls `onWait` once where it is not. The library's own retries
 * follow any failure; here any failure but a held lock is thrown.
 */
export async function takeInTurn<Lock>(take: () => Promise<Lock>, pollMs: number, onWait: () => void): Promise<Lock> {
  for (let tries = 0; ; tries++) {
    try {
      return await take()
    } catch (error) {
      if (!hasSystemCode(error, 'ELOCKED')) throw error
    }
    if (tries === 0) onWait()
    await sleep(pollMs)
  }
}
