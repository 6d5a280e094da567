import { createMonotonicClock } from './monotonic-clock.ts'

/** Cancels a scheduled action. Does nothing where it has been done already. */
export type Cancel = () => void

/** The clock that a program uses. */
export type Clock = {
  /** Monotonic; unrelated to the date. */
  readonly nowMs: () => number
  readonly after: (delayMs: number, action: () => void) => Cancel
  readonly every: (periodMs: number, action: () => void) => Cancel
}

/** The clock of this machine, the same for all threads of a process. */
export const systemClock: Clock = {
  nowMs: createMonotonicClock(),
  after: (delayMs, action) => {
    const timer = setTimeout(action, delayMs)
    return () => clearTimeout(timer)
  },
  every: (periodMs, action) => {
    const timer = setInterval(action, periodMs)
    return () => clearInterval(timer)
  },
}
