/** A shard as the simulation sends it. */
export type Order = { readonly key: string; readonly step: number; readonly samples: number }

export type SimulatedWorker = {
  readonly receive: (order: Order) => void
  /** Takes the update that leads to a step. */
  readonly update: (step: number) => void
  readonly step: () => number
}

/**
 * A worker that behaves like a replica: it computes what is due at its step in the order of arrival, does not interrupt
 * what it has begun, takes updates in between, and drops what is for an earlier step.
 */
export function createSimulatedWorker(options: {
  /** Time per sample for a shard begun at `nowMs`. */
  readonly msPerSample: (nowMs: number) => number
  readonly nowMs: () => number
  readonly after: (delayMs: number, action: () => void) => void
  readonly answer: (order: Order) => void
}): SimulatedWorker {
  let waiting: Order[] = []
  let [current, told] = [0, 0]
  let computing = false

  function computeDue(): void {
    if (computing) return
    current = told
    waiting = waiting.filter(({ step }) => step >= current)
    const at = waiting.findIndex(({ step }) => step === current)
    if (at < 0) return
    const [order] = waiting.splice(at, 1) as [Order]
    computing = true
    options.after(order.samples * options.msPerSample(options.nowMs()), () => {
      computing = false
      options.answer(order)
      computeDue()
    })
  }

  return {
    receive: order => {
      waiting.push(order)
      computeDue()
    },
    update: step => {
      told = Math.max(told, step)
      computeDue()
    },
    step: () => current,
  }
}
