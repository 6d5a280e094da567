import type { Clock } from '@lockstep/protocol'

type Alarm = { readonly atMs: number; readonly action: () => void }

/** A clock that only the test advances. */
export type ManualClock = Clock & {
  /** Advances the clock and runs the actions that become due. */
  readonly pass: (durationMs: number) => void
  /** The times of the pending actions, in order. */
  readonly alarms: () => readonly number[]
}

export function createManualClock(): ManualClock {
  const alarms = new Set<Alarm>()
  let nowMs = 0

  function after(delayMs: number, action: () => void): () => void {
    const alarm = { atMs: nowMs + delayMs, action }
    alarms.add(alarm)
    return () => void alarms.delete(alarm)
  }

  function pass(durationMs: number): void {
    const endMs = nowMs + durationMs
    for (let next = earliest(alarms); next !== undefined && next.atMs <= endMs; next = earliest(alarms)) {
      nowMs = Math.max(nowMs, next.atMs)
      alarms.delete(next)
      next.action()
    }
    nowMs = endMs
  }

  return {
    nowMs: () => nowMs,
    after,
    every: () => {
      throw new Error('nothing here is to be done over and over')
    },
    pass,
    alarms: () => [...alarms].map(({ atMs }) => atMs).sort((a, b) => a - b),
  }
}

function earliest(alarms: ReadonlySet<Alarm>): Alarm | undefined {
  return [...alarms].sort((a, b) => a.atMs - b.atMs)[0]
}
