import { type Cancel, type Clock, LockstepError } from '@lockstep/protocol'
import type { EventListener } from '../events.ts'
import { createRendezvous, type Rendezvous } from './rendezvous.ts'

export type WaitingOptions = {
  readonly active: () => number
  /** Whether a worker has been welcomed that is not ready yet. */
  readonly isOneJoining: () => boolean
  /** Whether every worker that was ever active has said that the model cannot be computed, on any worker. */
  readonly isUncomputable: () => boolean
  /** No step begins with fewer workers than this. */
  readonly quorum: number
  /** How long to wait for a worker after the last one was lost. */
  readonly waitMs: number
  /** Ends a wait, and the run with it. */
  readonly stop: AbortSignal
  readonly clock: Pick<Clock, 'after'>
  readonly onEvent: EventListener
  /** The run cannot continue: no worker is left, or it was interrupted while waiting. */
  readonly onEnd: (error: LockstepError) => void
}

/** How a run waits for workers, and when it gives up. */
export type Waiting = Pick<Rendezvous, 'await' | 'expect' | 'abort'> & {
  readonly joined: () => void
  /** `failure` is the reason a worker gave that could not continue, or null. */
  readonly left: (failure: string | null) => void
  /** Stops waiting. */
  readonly close: () => void
}

export function createWaiting(options: WaitingOptions): Waiting {
  const { active, quorum, waitMs, stop, clock, onEvent, onEnd } = options
  const rendezvous = createRendezvous(active)
  let closed = false
  let lastFailure: string | null = null
  let stopClock: Cancel = () => undefined
  stop.addEventListener('abort', stopIdling)

  function stopIdling(): void {
    if (active() === 0 || rendezvous.isWaiting()) onEnd(interrupted())
  }

  function left(failure: string | null): void {
    if (closed) return
    lastFailure = failure ?? lastFailure
    if (failure !== null && canNobodyCompute()) return onEnd(uncomputable(failure))
    const count = active()
    const giveUpMs = count === 0 ? waitMs : null
    if (count === quorum - 1) onEvent({ type: 'short-of-workers', active: count, wanted: quorum, giveUpMs })
    if (count > 0) return
    if (stop.aborted) onEnd(interrupted())
    else waitForOne()
  }

  /** No active or joining worker is left that may succeed, and every earlier one found the model uncomputable. */
  function canNobodyCompute(): boolean {
    return active() === 0 && !stop.aborted && options.isUncomputable() && !options.isOneJoining()
  }

  /** Waits longer for a worker that is getting ready, which may take long. `readyMs` limits that. */
  function waitForOne(): void {
    stopClock = clock.after(waitMs, () =>
      options.isOneJoining() ? waitForOne() : onEnd(noWorkers(waitMs, lastFailure)),
    )
  }

  return {
    await: wanted => {
      const waiting = rendezvous.await(wanted)
      if (waiting !== null && stop.aborted) onEnd(interrupted())
      return waiting
    },
    expect: rendezvous.expect,
    abort: rendezvous.abort,
    joined: () => {
      stopClock()
      rendezvous.look()
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
