import type { LockstepError } from '@lockstep/protocol'
import { createDeferred, type Deferred } from '../deferred.ts'

/** Waits until the run has enough workers. */
export type Rendezvous = {
  /** Null where enough are active; otherwise resolves when they are, and rejects with the error of an abort. */
  readonly await: (wanted: number) => Promise<void> | null
  /** Checks whether there are enough now. Called when a worker has joined. */
  readonly look: () => void
  /** No more than this many workers will ever join, so no wait, now or later, needs more. */
  readonly expect: (workers: number) => void
  readonly isWaiting: () => boolean
  readonly abort: (error: LockstepError) => void
}

export function createRendezvous(active: () => number): Rendezvous {
  let expected = Number.POSITIVE_INFINITY
  let waiting: { readonly wanted: number; readonly done: Deferred<void> } | null = null
  let aborted: LockstepError | null = null

  function isEnough(wanted: number): boolean {
    return active() >= Math.min(wanted, expected)
  }

  function look(): void {
    if (waiting === null || !isEnough(waiting.wanted)) return
    waiting.done.resolve()
    waiting = null
  }

  return {
    await: wanted => {
      if (aborted !== null) return Promise.reject(aborted)
      if (isEnough(wanted)) return null
      waiting = { wanted, done: createDeferred() }
      return waiting.done.promise
    },
    look,
    expect: workers => {
      expected = Math.max(1, workers)
      look()
    },
    isWaiting: () => waiting !== null,
    abort: error => {
      aborted ??= error
      waiting?.done.reject(error)
      waiting = null
    },
  }
}
