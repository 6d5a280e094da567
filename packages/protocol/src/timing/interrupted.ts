import { systemClock } from './clock.ts'

/** Waits for the delay or the signal. Resolves with whether the signal has come. */
export function interrupted(delayMs: number, signal: AbortSignal, clock = systemClock): Promise<boolean> {
  return new Promise(resolve => {
    if (signal.aborted) return resolve(true)
    const cancel = clock.after(delayMs, () => {
      signal.removeEventListener('abort', stop)
      resolve(false)
    })
    const stop = () => {
      cancel()
      resolve(true)
    }
    signal.addEventListener('abort', stop, { once: true })
  })
}
