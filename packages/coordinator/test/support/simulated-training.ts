import { createExchange, type SendableTask } from '../../src/exchange.ts'
import { createSimulatedWorker, type Order, type SimulatedWorker } from './simulated-worker.ts'
import { createTestedTime } from './tested-time.ts'

export type SimulatedTraining = {
  /** Adds a worker that takes this long per sample for a shard begun at `nowMs`. */
  readonly join: (msPerSample: (nowMs: number) => number) => void
  readonly leave: (worker: number) => void
  /** Continues until so many steps are done. Throws when one takes longer than an hour. */
  readonly train: (steps: number) => void
  /** When each step ended, in milliseconds. */
  readonly ends: readonly number[]
  /** How many of each worker's answers were taken. */
  readonly taken: ReadonlyMap<number, number>
  /** The most workers that held the same shard at once. */
  readonly mostHolders: () => number
  /** The most shards that one worker held at once. */
  readonly mostHeld: () => number
}

/** A training run in which only the exchange is real: its shards, workers and clocks are simulated. */
export function simulateTraining(options: {
  readonly shards: number
  /** Samples in each shard. */
  readonly samples: number
  /** How long each message is in transit. */
  readonly latencyMs: number
}): SimulatedTraining {
  const { shards, samples, latencyMs } = options
  const time = createTestedTime()
  const orders = new Map<string, Order>()
  const workers = new Map<number, SimulatedWorker>()
  const holders = new Map<string, Set<number>>()
  const [taken, done] = [new Map<number, number>(), new Map<number, number>()]
  const ends: number[] = []
  let [submitted, joined, mostHolders, mostHeld] = [0, 0, 0, 0]
  const exchange = createExchange<Order>(2, send, time)
  time.every(400, () => {
    for (const [id, worker] of workers) exchange.reach(id, worker.step())
  })

  function submitStep(): void {
    const step = submitted++
    for (let index = 0; index < shards; index++) {
      const key = `${step}:${index}`
      const order = { key, step, samples }
      orders.set(key, order)
      void exchange.submit({ ...taskOf(order, index), findFault: () => null })
    }
  }

  function send(id: number, { key }: SendableTask<Order>): void {
    holders.set(key, (holders.get(key) ?? new Set()).add(id))
    mostHolders = Math.max(mostHolders, holders.get(key)!.size)
    mostHeld = Math.max(mostHeld, [...holders.values()].filter(each => each.has(id)).length)
    time.after(latencyMs, () => workers.get(id)?.receive(orders.get(key)!))
  }

  function receive(id: number, order: Order): void {
    if (!workers.has(id)) return
    if (!exchange.deliver(id, order.key, order).taken) return
    holders.delete(order.key)
    taken.set(id, (taken.get(id) ?? 0) + 1)
    done.set(order.step, (done.get(order.step) ?? 0) + 1)
    if (done.get(order.step) === shards) endStep()
  }

  function endStep(): void {
    ends.push(time.nowMs())
    const step = ends.length
    for (const id of workers.keys()) time.after(latencyMs, () => workers.get(id)?.update(step))
    submitStep()
  }

  function join(msPerSample: (nowMs: number) => number): void {
    const id = ++joined
    const answer = (order: Order) => time.after(latencyMs, () => receive(id, order))
    const worker = createSimulatedWorker({ msPerSample, nowMs: time.nowMs, after: time.after, answer })
    worker.update(ends.length)
    workers.set(id, worker)
    exchange.join(id)
  }

  function leave(id: number): void {
    workers.delete(id)
    for (const each of holders.values()) each.delete(id)
    exchange.leave(id)
  }

  function train(steps: number): void {
    while (submitted < ends.length + 2) submitStep()
    const end = ends.length + steps
    time.runUntil(() => ends.length >= end, time.nowMs() + 3_600_000)
  }

  return { join, leave, train, ends, taken, mostHolders: () => mostHolders, mostHeld: () => mostHeld }
}

function taskOf({ key, step, samples }: Order, index: number): Omit<SendableTask<Order>, 'findFault'> {
  const order = { type: 'work', runId: 'simulated', step, shard: index, count: samples } as const
  return { key, step, index, kind: 'gradient', samples, order, tensors: () => ({}) }
}
