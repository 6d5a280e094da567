import type { LockstepError } from '@lockstep/protocol'
import { createDeferred, type Deferred } from '../deferred.ts'

/** Waits until there are as many workers as a run wants. */
export type Gathering = {
  /** Null where so many are there; else resolves when they are, and rejects with the error of an abort. */
  readonly await: (wanted: number) => Promise<void> | null
  /** Looks whether they are there. Called when one has come. */
  readonly look: () => void
  /** No more than so many will ever come: nobody waits for others, now or later. */
  readonly expect: (workers: number) => void
  readonly isWaiting: () => boolean
  readonly abort: (error: LockstepError) => void
}

export function createGathering(active: () => number): Gathering {
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
