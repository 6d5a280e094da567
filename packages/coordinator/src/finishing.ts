import { type Cancel, type Clock, LockstepError } from '@lockstep/protocol'

/** A machine may stall for seconds. */
const leastMs = 10_000

/** So many times what a step takes is no delay any more. */
const tooManySteps = 3

export type FinishingOptions = {
  /** Asks to stop after what is under way. */
  readonly stop: AbortSignal
  /** What a step has taken on average; 0 before the first. */
  readonly stepMs: () => number
  readonly clock: Pick<Clock, 'after'>
  /** What is under way is to be left. Called once at most. */
  readonly onEnd: (error: LockstepError) => void
}

/**
 * How long a run that is asked to stop waits for the step or the validation that is under way: as long as answers come,
 * and after the last one for as long as a step may take. A computation that hangs does not hold it up.
 */
export type Finishing = {
  /** An answer has come. */
  readonly heard: () => void
  /** Waits for nothing any more. */
  readonly close: () => void
}

export function createFinishing({ stop, stepMs, clock, onEnd }: FinishingOptions): Finishing {
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
    heard: wait,
    close: () => {
      isOver = true
      stop.removeEventListener('abort', wait)
      cancel()
    },
  }
}
