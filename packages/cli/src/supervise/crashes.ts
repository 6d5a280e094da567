import { type BackOff, restartPauseMs } from '@lockstep/protocol'

/** This many crashes without a new checkpoint in between are too many. */
const mostCrashes = 5

/** Pauses from the second restart on; the first restart is immediate. */
const backOff: BackOff = { firstMs: 500, longestMs: 30_000 }

/** Counts the crashes of a coordinator. */
export type Crashes = {
  /** Resets the count, because the run has made progress. */
  readonly advance: () => void
  /** Records a crash. Returns the pause before the restart, or null after too many crashes. */
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
