import { createMonotonicClock } from './monotonic-clock.ts'

/** Calls off what a clock was to do. Nothing happens where it is done already. */
export type Cancel = () => void

/** The time by which a program goes. */
export type Clock = {
  /** Only goes forward; it says nothing of the date. */
  readonly nowMs: () => number
  readonly after: (delayMs: number, action: () => void) => Cancel
  readonly every: (periodMs: number, action: () => void) => Cancel
}

/** The clock of this machine, on which all threads of a process agree. */
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
