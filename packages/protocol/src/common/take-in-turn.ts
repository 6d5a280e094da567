import { setTimeout as sleep } from 'node:timers/promises'
import { hasSystemCode } from './error.ts'

/**
 * Takes a lock of proper-lockfile as soon as nobody holds it; `onWait` is told once where somebody does. The library
 * itself, told to try again, does so whatever fails; here any other failure is thrown.
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
