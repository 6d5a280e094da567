import { type Cancel, type Clock, LockstepError } from '@lockstep/protocol'
import type { EventListener } from '../events.ts'
import { createGathering, type Gathering } from './gathering.ts'

export type WaitingOptions = {
  readonly active: () => number
  /** Whether somebody has been welcomed who is not ready yet. */
  readonly isOneComing: () => boolean
  /** Whether all who have been there have said that nobody can compute the model. */
  readonly isUncomputable: () => boolean
  /** With fewer workers no further step is begun. */
  readonly quorum: number
  /** How long to go on with no worker at all once there has been one. */
  readonly waitMs: number
  /** Ends a wait, and the run with it. */
  readonly stop: AbortSignal
  readonly clock: Pick<Clock, 'after'>
  readonly onEvent: EventListener
  /** There is nobody to go on with. */
  readonly onEnd: (error: LockstepError) => void
}

/** How a run waits for workers, and when it gives up. */
export type Waiting = Pick<Gathering, 'await' | 'expect' | 'abort'> & {
  readonly joined: () => void
  /** `failure`: what the worker has said that could not go on, or null. */
  readonly left: (failure: string | null) => void
  /** Waits for nobody any more. */
  readonly close: () => void
}

export function createWaiting(options: WaitingOptions): Waiting {
  const { active, quorum, waitMs, stop, clock, onEvent, onEnd } = options
  const gathering = createGathering(active)
  let closed = false
  let lastFailure: string | null = null
  let stopClock: Cancel = () => undefined
  stop.addEventListener('abort', stopIdling)

  function stopIdling(): void {
    if (active() === 0 || gathering.isWaiting()) onEnd(interrupted())
  }

  function left(failure: string | null): void {
    if (closed) return
    lastFailure = failure ?? lastFailure
    if (failure !== null && isHopeless()) return onEnd(uncomputable(failure))
    const count = active()
    const giveUpMs = count === 0 ? waitMs : null
    if (count === quorum - 1) onEvent({ type: 'short-of-workers', active: count, wanted: quorum, giveUpMs })
    if (count > 0) return
    if (stop.aborted) onEnd(interrupted())
    else waitForOne()
  }

  /** Nobody is there or gets ready who might do better, and nobody who comes back. */
  function isHopeless(): boolean {
    return active() === 0 && !stop.aborted && options.isUncomputable() && !options.isOneComing()
  }

  /** One that gets ready, which may take long, is waited for: it is there, and ends by its own clock where it is not. */
  function waitForOne(): void {
    stopClock = clock.after(waitMs, () =>
      options.isOneComing() ? waitForOne() : onEnd(noWorkers(waitMs, lastFailure)),
    )
  }

  return {
    await: wanted => {
      const waiting = gathering.await(wanted)
      if (waiting !== null && stop.aborted) onEnd(interrupted())
      return waiting
    },
    expect: gathering.expect,
    abort: gathering.abort,
    joined: () => {
      stopClock()
      gathering.look()
    },
    left,
    close: () => {
      closed = true
      stop.removeEventListener('abort', stopIdling)
      stopClock()
    },
  }
}

function interrupted(): LockstepError {
  return new LockstepError('interrupted', 'interrupted while waiting for workers')
}

function uncomputable(failure: string): LockstepError {
  return new LockstepError('uncomputable', 'no worker can compute this model', {
    received: `from the last one: ${failure}`,
    hint: 'A change to the model or to a setting such as --engine needs a new run.',
  })
}

function noWorkers(waitMs: number, lastFailure: string | null): LockstepError {
  return new LockstepError('no-workers', `no worker has been connected for ${waitMs / 1000} s`, {
    ...(lastFailure === null ? {} : { received: `from the last one that failed: ${lastFailure}` }),
    hint: 'Start workers and continue the run with --resume.',
  })
}
