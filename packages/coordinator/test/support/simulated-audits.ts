import type { LockstepError } from '@lockstep/protocol'
import { createAudit } from '../../src/audit/audit.ts'
import { type Vote, voteWithoutData } from '../../src/audit/vote.ts'
import { createExchange, type SendableTask } from '../../src/exchange.ts'
import { createSimulatedWorker, type Order, type SimulatedWorker } from './simulated-worker.ts'
import { createTestedTime } from './tested-time.ts'

/** A worker's answer to an order: `right` if it is correct, `NaN` if it is not finite. */
export type AnswerOf = (order: Order) => string

type Said = { readonly order: Order; readonly word: string }

/** A training run whose steps are audited as in a real run, with workers that may be wrong. */
export function simulateAudits(options: {
  readonly shards: number
  readonly latencyMs: number
  /** Fraction of the shards that two workers compute. */
  readonly fraction: number
}) {
  const { shards, latencyMs, fraction } = options
  const time = createTestedTime()
  const audit = createAudit(fraction, 1, { type: 'float32' }, 1)
  const orders = new Map<string, Order>()
  const workers = new Map<number, SimulatedWorker>()
  const settled = new Map<string, string>()
  const excluded: number[] = []
  let failure: LockstepError | null = null
  let [joined, step, kept, mostKept, alone, compared] = [0, 0, 0, 0, 0, 0]

  const exchange = createExchange<Said>(2, send, time, {
    onUnsound: () => undefined,
    onRefuted: () => undefined,
    onWrong: worker => {
      excluded.push(worker)
      leave(worker)
    },
    onAccepted: ({ votesNeeded }, isLone) => {
      if (isLone) alone += 1
      else if (votesNeeded === 2) compared += 1
    },
    nameOf: worker => `worker ${worker}`,
  })

  /** Submits the shards of a step, and the next step when all of them are done. */
  function submitStep(of: number): void {
    for (let index = 0; index < shards; index++) {
      const key = `${of}:${index}`
      const order = { key, step: of, samples: 3 }
      orders.set(key, order)
      const votesNeeded = audit.isDrawn(of, index) ? 2 : 1
      exchange.submit(taskOf(order, index, votesNeeded)).then(
        ({ word }) => settle(key, word),
        error => {
          failure = error as LockstepError
        },
      )
    }
  }

  function taskOf(order: Order, index: number, votesNeeded: 1 | 2): SendableTask<Said> {
    const work = { type: 'work', runId: 'simulated', step: order.step, shard: index, count: 3 } as const
    const common = { key: order.key, step: order.step, index, samples: 3, order: work, votesNeeded }
    const readVote = ({ word }: Said) => (votesNeeded === 1 ? voteWithoutData(word !== 'NaN') : keep(word))
    return { ...common, kind: 'gradient', tensors: () => ({}), findFault: () => null, readVote }
  }

  function keep(word: string): Vote {
    kept += 1
    mostKept = Math.max(mostKept, kept)
    const drop = () => {
      kept -= 1
    }
    return { isSound: word !== 'NaN', figures: [], bytes: Buffer.from(word), accept: () => undefined, drop }
  }

  function settle(key: string, word: string): void {
    if (settled.has(key)) throw new Error(`${key} was settled twice`)
    settled.set(key, word)
    if (settled.size < shards * (step + 1)) return
    step += 1
    const reached = step
    for (const worker of workers.values()) time.after(latencyMs, () => worker.update(reached))
    submitStep(step + 1)
  }

  function send(id: number, { key }: SendableTask<Said>): void {
    time.after(latencyMs, () => workers.get(id)?.receive(orders.get(key)!))
  }

  function join(answerOf: AnswerOf, msPerSample = 1): number {
    const id = ++joined
    const answer = (order: Order) =>
      time.after(latencyMs, () => {
        if (workers.has(id)) exchange.deliver(id, order.key, { order, word: answerOf(order) })
      })
    const worker = createSimulatedWorker({
      msPerSample: () => msPerSample,
      nowMs: time.nowMs,
      after: time.after,
      answer,
    })
    worker.update(step)
    workers.set(id, worker)
    exchange.join(id)
    return id
  }

  function leave(id: number): void {
    if (workers.delete(id)) exchange.leave(id)
  }

  /** Runs events until so many steps are done or the training fails. Promises settle between any two events. */
  async function train(steps: number): Promise<void> {
    const limitMs = time.nowMs() + 600_000
    while (step < steps && failure === null) {
      // When all workers have been excluded, another one is started.
      if (workers.size === 0) join(() => 'right')
      if (time.nowMs() > limitMs) throw new Error(`step ${step} does not end`)
      time.next()
      await promises()
    }
  }

  async function pass(durationMs: number): Promise<void> {
    const endMs = time.nowMs() + durationMs
    time.after(durationMs, () => undefined)
    while (time.nowMs() < endMs && failure === null) {
      time.next()
      await promises()
    }
  }

  submitStep(0)
  submitStep(1)
  const words = () => new Set([...settled].filter(([key]) => Number(key.split(':')[0]) < step).map(([, word]) => word))
  const counts = () => ({ step, kept, mostKept, alone, compared })
  return { join, leave, train, pass, words, counts, excluded, workers, failure: () => failure }
}

/** Resolves when all promises that can settle have done so. */
async function promises(): Promise<void> {
  for (let hop = 0; hop < 4; hop++) await Promise.resolve()
}
