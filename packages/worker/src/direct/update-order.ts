import type { Received } from '@lockstep/protocol'

/**
 * Brings the updates of a replica into order, whether they come from the coordinator or from the other workers: an update
 * whose step is past is dropped, one that comes early waits.
 */
export type UpdateOrder = {
  /** The replica is set to this step. */
  readonly reset: (step: number) => void
  readonly offer: (step: number, update: Received) => void
  /** Drops what waits: the updates before it will not come. */
  readonly dropEarly: () => void
  /** The step to which the updates that were given lead. */
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
