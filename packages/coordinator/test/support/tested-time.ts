import { createSimulatedTime, type SimulatedTime } from '@lockstep/protocol/testing'

/** Simulated time that a test lets pass. */
export type TestedTime = Pick<SimulatedTime, 'nowMs' | 'after'> & {
  readonly every: (periodMs: number, action: () => void) => void
  /** Runs the next scheduled action. */
  readonly next: () => void
  /** Runs all actions that are due within this time. */
  readonly pass: (durationMs: number) => void
  /** Whether an action is scheduled. */
  readonly isPending: () => boolean
  /** Runs actions until this is true. Throws if it is not by `limitMs`. */
  readonly runUntil: (isReached: () => boolean, limitMs: number) => void
}

export function createTestedTime(): TestedTime {
  const { nowMs, after, advance, nextAtMs } = createSimulatedTime()

  function every(periodMs: number, action: () => void): void {
    after(periodMs, () => {
      action()
      every(periodMs, action)
    })
  }

  function next(): void {
    if (!advance()) throw new Error('nothing is to happen')
  }

  function pass(durationMs: number): void {
    const endMs = nowMs() + durationMs
    while (nextAtMs() !== null && nextAtMs()! <= endMs) next()
    after(endMs - nowMs(), () => undefined)
    next()
  }

  function runUntil(isReached: () => boolean, limitMs: number): void {
    while (!isReached()) {
      next()
      if (nowMs() > limitMs) throw new Error(`not reached within ${limitMs} ms`)
    }
  }

  return { nowMs, after, every, next, pass, isPending: () => nextAtMs() !== null, runUntil }
}
