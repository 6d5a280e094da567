import { type Cancel, type Clock, LockstepError } from '@lockstep/protocol'

/** A machine may stall for seconds. */
const leastMs = 10_000

/** Beyond this multiple of the mean step time, an answer is not just delayed. */
const tooManySteps = 3

export type GracefulStopOptions = {
  /** Asks to stop after the current step. */
  readonly stop: AbortSignal
  /** Mean time of a step; 0 before the first. */
  readonly stepMs: () => number
  readonly clock: Pick<Clock, 'after'>
  /** The work in progress is to be abandoned. Called at most once. */
  readonly onEnd: (error: LockstepError) => void
}

/**
 * Limits how long a run that is asked to stop waits for the current step or validation. It waits while answers arrive,
 * and after the last one for three mean steps, at least 10 s, so a hung computation does not hold it up.
 */
export type GracefulStop = {
  /** An answer has arrived. */
  readonly progressed: () => void
  /** Stops waiting. */
  readonly close: () => void
}

export function createGracefulStop({ stop, stepMs, clock, onEnd }: GracefulStopOptions): GracefulStop {
  let isOver = false
  let cancel: Cancel = () => undefined
  stop.addEventListener('abort', wait)

  function wait(): void {
    if (isOver || !stop.aborted) return
    cancel()
    const limitMs = Math.max(leastMs, tooManySteps * stepMs())
    cancel = clock.after(limitMs, () => {
      isOver = true
      onEnd(
        new LockstepError('interrupted', `interrupted, and no answer has come for ${(limitMs / 1000).toFixed(0)} s`),
      )
    })
  }

  return {
    progressed: wait,
    close: () => {
      isOver = true
      stop.removeEventListener('abort', wait)
      cancel()
    },
  }
}
