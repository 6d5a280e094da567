import type { Received } from '@lockstep/protocol'

/**
 * Puts the updates of a replica into order, whether they come from the coordinator or from other workers: drops an
 * update of a past step, and holds back one that is early.
 */
export type UpdateOrder = {
  /** The replica has been set to this step. */
  readonly reset: (step: number) => void
  readonly offer: (step: number, update: Received) => void
  /** Drops the updates held back: those before them will not come. */
  readonly dropEarly: () => void
  /** The step to which the updates given so far lead. */
  readonly reached: () => number
}

export function createUpdateOrder(give: (update: Received) => void): UpdateOrder {
  const early = new Map<number, Received>()
  let reached = 0

  function giveDue(): void {
    for (const step of early.keys()) if (step < reached) early.delete(step)
    for (let update = early.get(reached); update !== undefined; update = early.get(reached)) {
      early.delete(reached)
      reached += 1
      give(update)
    }
  }

  return {
    reset: step => {
      reached = step
      giveDue()
    },
    offer: (step, update) => {
      early.set(step, update)
      giveDue()
    },
    dropEarly: () => early.clear(),
    reached: () => reached,
  }
}
