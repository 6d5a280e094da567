import { setTimeout as delay } from 'node:timers/promises'

/** Waits so long, or until the signal comes; resolves with whether it has come. */
export async function interrupted(delayMs: number, signal: AbortSignal): Promise<boolean> {
  try {
    await delay(delayMs, undefined, { signal })
    return false
  } catch (error) {
    if (signal.aborted) return true
    throw error
  }
}
