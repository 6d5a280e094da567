import {
  createGradientFormat,
  createVectorPool,
  type PackedGradient,
  plainArithmetic,
} from '@lockstep/model/arithmetic'
import { type Message, type MessageOf, sliceOf } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import { createDirect } from '../../src/direct/direct.ts'
import { submitToGroup } from '../../src/direct/group-batch.ts'
import type { Group } from '../../src/direct/groups.ts'
import { type AnswerOutcome, createExchange } from '../../src/exchange.ts'
import type { Answer } from '../../src/membership/answer.ts'
import { workKey } from '../../src/training/batch-gradient.ts'
import { epochBatches } from '../../src/training/batches.ts'
import { createIdleTiming } from '../support/idle-timing.ts'
import { stoppedClock } from '../support/stopped-clock.ts'
import { makeSplit, tinyConfig } from '../support/tiny-plan.ts'

const elements = 10
const run = { runId: 'r', step: 0, shards: 2, learningRate: 0.1 }
const config = { ...tinyConfig, shards: 2 }

/** A batch of two shards of 5 samples that workers 1 and 2 exchange, and the coordinator's end of the exchange. */
function startBatch() {
  const clock = { nowMs: 0 }
  const over: string[] = []
  const sent: string[] = []
  const poisoned: string[] = []
  const exchange = createExchange<Answer>(2, (worker, { key }) => sent.push(`${key} → ${worker}`), stoppedClock)
  const direct = createDirect({
    runId: 'r',
    elements,
    send: (worker, { type }: Message) => sent.push(`${type} → ${worker}`),
    step: () => 0,
    onBehind: () => undefined,
    // Drops all members, as a worker pool does.
    onUnusableMean: reason => {
      poisoned.push(reason)
      for (const worker of [1, 2]) leave(worker)
    },
    onUnanswered: () => undefined,
    onLinked: () => undefined,
    onOver: (cause, reason) => over.push(`${cause}: ${reason}`),
    nowMs: () => clock.nowMs,
  })
  const join = (worker: number) => {
    direct.join(worker, `ws://10.0.0.${worker}:1`)
    exchange.join(worker)
  }
  const leave = (worker: number) => {
    direct.leave(worker)
    exchange.leave(worker)
  }
  for (const worker of [1, 2]) join(worker)
  direct.introduce()
  for (const worker of [1, 2]) direct.receive(worker, { type: 'linked', runId: 'r', group: 1 }, {})
  const format = createGradientFormat(config, plainArithmetic, elements)
  const tools = {
    arithmetic: plainArithmetic,
    vectors: createVectorPool<Float32Array>(() => new Float32Array(elements)),
    format,
    audit: createAudit(0, 1, format, elements),
    isTrusted: () => true,
    timing: createIdleTiming(),
    meanVector: () => null,
    exchange,
    direct,
  }
  const batch = epochBatches(makeSplit(10, 1), config, 1).shards(0)
  const current = direct.current()!
  const listeners = new Set<() => void>()
  const group = Object.assign(current, { onOver: listening(listeners, current.onOver) })
  const { result, release } = submitToGroup(batch, { ...run, group }, tools)

  const figures = (shard: number) => ({ runId: 'r', step: 0, shard, count: 5, correct: 1, times: [0] })
  /** Worker 1 computes shard 0, worker 2 shard 1. */
  function contribute(lossSum = 1, workers = [1, 2]): readonly AnswerOutcome[] {
    return workers.map(worker => {
      const message: MessageOf<'contribution'> = { type: 'contribution', ...figures(worker - 1), lossSum }
      const answer = { workerId: worker, message, readGradient: () => undefined, gradientMemory: () => null }
      return exchange.deliver(worker, workKey(0, worker - 1), answer)
    })
  }
  function tellMean(value: number, lossSum = 2, total = 10): void {
    for (const worker of [1, 2]) {
      const { start, end } = sliceOf(elements, 2, worker - 1)
      const slice = { runId: 'r', step: 0, start, length: end - start, total, lossSum, correct: 2 }
      direct.receive(worker, { type: 'slice', ...slice }, { mean: new Float32Array(end - start).fill(value) })
    }
  }
  function answer(worker: number, shard: number, value: number): void {
    const message: MessageOf<'gradient'> = { type: 'gradient', ...figures(shard), lossSum: 1, slot: null }
    const readGradient = (into: PackedGradient) => void into.fill(value)
    exchange.deliver(worker, workKey(0, shard), { workerId: worker, message, readGradient, gradientMemory: () => null })
  }
  const { vectors } = tools
  const told = { over, sent, poisoned, listeners }
  return { result, release, vectors, clock, ...told, direct, join, leave, contribute, tellMean, answer }
}

/** Records the current listeners. */
function listening(listeners: Set<() => void>, onOver: Group['onOver']): Group['onOver'] {
  return listener => {
    listeners.add(listener)
    const cancel = onOver(listener)
    return () => {
      listeners.delete(listener)
      cancel()
    }
  }
}

test.each([
  ['ten seconds if all shards are computed, so that only a link can be at fault', [1, 2], 10],
  ['the time that a shard may take if one is still being computed', [1], 150],
])('a group of which no message arrives ends after %s', async (_, computed, seconds) => {
  const { clock, over, direct, contribute } = startBatch()
  contribute(1, computed)
  await new Promise(resolve => setImmediate(resolve))
  clock.nowMs = seconds * 1000 - 10
  direct.look()
  expect(over).toEqual([])
  clock.nowMs = seconds * 1000 + 10
  direct.look()
  expect(over).toEqual([`halted: nothing has come for ${seconds} s`])
})

test('a group also ends if the mean has arrived but a shard of it is never reported', async () => {
  const { result, sent, clock, over, direct, contribute, tellMean } = startBatch()
  contribute(1, [1])
  tellMean(3)
  await new Promise(resolve => setImmediate(resolve))
  clock.nowMs = 10_010
  direct.look()
  expect(over).toEqual(['halted: nothing has come for 10 s'])
  for (const worker of [1, 2]) direct.receive(worker, { type: 'dissolved', runId: 'r', group: 1, step: 1 }, {})
  await expect.poll(() => sent.at(-1)).toBe('recall → 1')
  const whole = { runId: 'r', step: 0, start: 0, length: elements, total: 10, lossSum: 2, correct: 2 }
  direct.receive(1, { type: 'slice', ...whole }, { mean: new Float32Array(elements).fill(3) })
  expect([...(await result).gradient]).toEqual(Array.from({ length: elements }, () => 3))
})

test('a worker that contributes to a group that it has left is at fault, and the batch still completes', async () => {
  const { result, sent, direct, leave, contribute, answer } = startBatch()
  contribute()
  leave(1)
  direct.receive(2, { type: 'dissolved', runId: 'r', group: 1, step: 0 }, {})
  await expect.poll(() => sent.slice(-2)).toEqual(['work:0:0 → 2', 'work:0:1 → 2'])
  const [outcome] = contribute(1, [2])
  expect(outcome).toEqual({ taken: false, fault: 'a contribution to a group that is over' })
  for (const shard of [0, 1]) answer(2, shard, 7)
  expect([...(await result).gradient]).toEqual(Array.from({ length: elements }, () => 7))
})

describe('the mean of a group', () => {
  test('is used once all of it and all contributions have arrived', async () => {
    const { result, release, vectors, poisoned, listeners, leave, contribute, tellMean } = startBatch()
    contribute()
    tellMean(3)
    expect(listeners.size).toBe(1)
    const { gradient, lossSum, correct, count, shares, isEverywhere } = await result
    expect([[...gradient], lossSum, correct, count]).toEqual([Array.from({ length: elements }, () => 3), 2, 2, 10])
    expect(shares).toEqual([1, 2].map(workerId => ({ workerId, samples: 5 })))
    expect([isEverywhere?.(), poisoned]).toEqual([true, []])
    // The group continues, and the step no longer listens to it.
    expect(listeners.size).toBe(0)
    release()
    expect(vectors.take()).toBe(gradient)
    // If the group has ended before the step is broadcast, a member may lack the mean.
    leave(1)
    expect(isEverywhere?.()).toBe(false)
  })

  test.each([
    ['NaN', Number.NaN, 2, 10, 'not finite'],
    ['infinite', Number.POSITIVE_INFINITY, 2, 10, 'not finite'],
    ['finite with a loss that is not finite', 3, Number.NaN, 10, 'not finite'],
    ['finite with a loss that is too large for ten samples', 3, 1e308, 10, 'not finite'],
    ['of another batch', 3, 2, 11, 'one of 11 samples instead of 10'],
    ['both not finite and of another batch, which is reported once', Number.NaN, 2, 11, 'not finite'],
  ])(
    'is rejected if it is %s: the members are dropped, and the shards are computed again',
    async (_, value, lossSum, total, what) => {
      const { result, sent, poisoned, join, direct, contribute, tellMean, answer } = startBatch()
      contribute()
      tellMean(value, lossSum, total)
      await expect.poll(() => poisoned).toHaveLength(1)
      expect(poisoned).toEqual([`the mean gradient of step 1, which it has taken, is ${what}`])
      sent.length = 0
      join(3)
      await expect.poll(() => sent.slice().sort()).toEqual(['work:0:0 → 3', 'work:0:1 → 3'])
      answer(3, 0, 2)
      answer(3, 1, 4)
      const { gradient, isEverywhere } = await result
      // The mean of 2 and 4, which no worker has yet.
      expect([[...gradient], isEverywhere]).toEqual([Array.from({ length: elements }, () => 3), undefined])
      // After a rejected mean, no group is formed any more.
      join(4)
      sent.length = 0
      direct.introduce()
      expect([sent, direct.current()]).toEqual([[], null])
    },
  )

  test('is also rejected if it is recalled from a worker and is not finite', async () => {
    const { result, sent, poisoned, direct, join, leave, contribute, answer } = startBatch()
    contribute()
    leave(1)
    direct.receive(2, { type: 'dissolved', runId: 'r', group: 1, step: 1 }, {})
    await expect.poll(() => sent.at(-1)).toBe('recall → 2')
    const whole = { runId: 'r', step: 0, start: 0, length: elements, total: 10, lossSum: 2, correct: 2 }
    direct.receive(2, { type: 'slice', ...whole }, { mean: new Float32Array(elements).fill(Number.NaN) })
    await expect.poll(() => poisoned).toHaveLength(1)
    join(3)
    await expect.poll(() => sent.slice(-2).sort()).toEqual(['work:0:0 → 3', 'work:0:1 → 3'])
    for (const shard of [0, 1]) answer(3, shard, 7)
    expect([...(await result).gradient]).toEqual(Array.from({ length: elements }, () => 7))
  })

  test('is not written into a released vector if the group ends as the last slices arrive', async () => {
    const { result, release, vectors, sent, direct, join, contribute, tellMean } = startBatch()
    contribute()
    tellMean(3)
    join(3)
    for (const worker of [1, 2]) direct.receive(worker, { type: 'dissolved', runId: 'r', group: 1, step: 1 }, {})
    const stepped = result.then(({ gradient }) => {
      const mean = [...gradient]
      release()
      return { mean, next: vectors.take().fill(9) }
    })
    await expect.poll(() => sent.at(-1)).toBe('recall → 1')
    await new Promise(resolve => setImmediate(resolve))
    const whole = { runId: 'r', step: 0, start: 0, length: elements, total: 10, lossSum: 2, correct: 2 }
    direct.receive(1, { type: 'slice', ...whole }, { mean: new Float32Array(elements).fill(3) })
    const { mean, next } = await stepped
    expect(mean).toEqual(Array.from({ length: elements }, () => 3))
    expect([...next]).toEqual(Array.from({ length: elements }, () => 9))
  })

  test('is computed again if all workers that have it are lost while it is recalled', async () => {
    const { result, sent, direct, join, leave, contribute, answer } = startBatch()
    contribute()
    join(3)
    for (const worker of [1, 2]) direct.receive(worker, { type: 'dissolved', runId: 'r', group: 1, step: 1 }, {})
    await expect.poll(() => sent.at(-1)).toBe('recall → 1')
    for (const worker of [2, 1]) leave(worker)
    await expect.poll(() => sent.slice(-2).sort()).toEqual(['work:0:0 → 3', 'work:0:1 → 3'])
    for (const shard of [0, 1]) answer(3, shard, 7)
    expect([...(await result).gradient]).toEqual(Array.from({ length: elements }, () => 7))
  })

  test('credits a lost member with the shard that it had not reported yet', async () => {
    const { result, sent, direct, join, leave, contribute } = startBatch()
    contribute(1, [2])
    leave(1)
    // Worker 2 has the whole mean, which includes the shard of worker 1. It is sent that shard too, but too late.
    direct.receive(2, { type: 'dissolved', runId: 'r', group: 1, step: 1 }, {})
    await expect.poll(() => sent.slice(-2)).toEqual(['work:0:0 → 2', 'recall → 2'])
    const whole = { runId: 'r', step: 0, start: 0, length: elements, total: 10, lossSum: 2, correct: 2 }
    direct.receive(2, { type: 'slice', ...whole }, { mean: new Float32Array(elements).fill(3) })
    expect((await result).shares).toEqual([1, 2].map(workerId => ({ workerId, samples: 5 })))
    // No shard of the step is to be computed any more.
    sent.length = 0
    leave(2)
    join(3)
    expect(sent.filter(message => message.startsWith('work'))).toEqual([])
  })

  test('is no longer expected once the shards are computed again, so the next group may be idle', async () => {
    const { result, sent, clock, over, direct, join, contribute, answer } = startBatch()
    contribute()
    join(3)
    for (const worker of [1, 2]) direct.receive(worker, { type: 'dissolved', runId: 'r', group: 1, step: 0 }, {})
    await expect.poll(() => sent.filter(message => message.startsWith('work'))).toHaveLength(4)
    for (const message of sent.slice(-2)) answer(Number(message.at(-1)), Number(message.at(7)), 7)
    await result
    direct.introduce()
    for (const worker of [1, 2, 3]) direct.receive(worker, { type: 'linked', runId: 'r', group: 2 }, {})
    clock.nowMs = 3600_000
    direct.look()
    expect(over).toEqual(['changed: worker 3 has joined'])
  })
})
