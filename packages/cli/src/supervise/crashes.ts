import { type BackOff, restartPauseMs } from '@lockstep/protocol'

/** So many crashes without a new checkpoint in between are too many. */
const mostCrashes = 5

/** Pauses from the second restart on; the first one comes at once. */
const backOff: BackOff = { firstMs: 500, longestMs: 30_000 }

/** Counts the crashes of a coordinator. */
export type Crashes = {
  /** The run has come further: what has been before does not count any more. */
  readonly advance: () => void
  /** Takes note of a crash. Returns how long to wait before the restart, or null where there have been too many. */
  readonly add: () => number | null
  readonly count: () => number
}

/** @param random - at least 0 and less than 1 */
export function createCrashes(random: () => number): Crashes {
  let crashes = 0
  return {
    advance: () => {
      crashes = 0
    },
    add: () => {
      crashes += 1
      if (crashes > mostCrashes) return null
      return restartPauseMs(crashes, backOff, random)
    },
    count: () => crashes,
  }
}
