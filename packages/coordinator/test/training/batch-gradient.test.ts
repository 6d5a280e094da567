import type { ShardGradient } from '@lockstep/model'
import {
  createArithmetic,
  createGradientFormat,
  createVectorPool,
  type PackedGradient,
  plainArithmetic,
} from '@lockstep/model/arithmetic'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createAudit } from '../../src/audit/audit.ts'
import { createExchange, type Order } from '../../src/exchange.ts'
import type { Answer } from '../../src/membership/answer.ts'
import { submitBatch, workKey } from '../../src/training/batch-gradient.ts'
import { epochBatches } from '../../src/training/batches.ts'
import { createIdleTiming } from '../support/idle-timing.ts'
import { stoppedClock } from '../support/stopped-clock.ts'
import { createTinyEngine } from '../support/tiny-engine.ts'
import { makeSplit, tinyConfig, tinyState } from '../support/tiny-plan.ts'

const engine = createTinyEngine()
const { weights } = tinyState()

const tools = () => {
  const allocated: Float32Array[] = []
  const allocate = () => {
    const vector = new Float32Array(weights.length)
    allocated.push(vector)
    return vector
  }
  const format = createGradientFormat(tinyConfig, plainArithmetic, weights.length)
  return {
    arithmetic: plainArithmetic,
    allocated,
    vectors: createVectorPool<Float32Array>(allocate),
    format,
    audit: createAudit(0, tinyConfig.seed, format, weights.length),
    isTrusted: (_: number) => true,
    timing: createIdleTiming(),
    meanVector: () => null,
  }
}

/** A worker's answer for a shard: the mean gradient of its samples. */
type ShardAnswer = {
  readonly message: Answer['message'] & { readonly type: 'gradient' }
  readonly gradient: Float32Array
}

function shardAnswer(
  step: number,
  shard: number,
  count: number,
  figures: Omit<ShardGradient, 'count' | 'predictions'>,
): ShardAnswer {
  const { gradient, lossSum, correct } = figures
  const message: ShardAnswer['message'] = {
    type: 'gradient',
    runId: 'r',
    step,
    shard,
    count,
    lossSum,
    correct,
    slot: null,
    times: [0],
  }
  return { message, gradient }
}

/** A batch, the answers for its shards, and the gradient of the batch as a whole. */
function computeBatch(samples: number, batchSize: number, shards: number, index: number) {
  const config = { ...tinyConfig, batchSize, shards }
  const split = makeSplit(samples, 1)
  const batch = epochBatches(split, config, 1).shards(index)
  const answers = batch.map(({ shard, count, read }) => {
    const { pixels, labels, keys } = read()
    return shardAnswer(0, shard, count, engine.gradient(weights, pixels, labels, keys))
  })
  const [all] = epochBatches(split, { ...config, shards: 1 }, 1).shards(index)
  const { pixels, labels, keys } = all!.read()
  return { batch, answers, whole: engine.gradient(weights, pixels, labels, keys), shards }
}

/** Submits a batch and lets one worker answer it, in this order. */
function answerBatch({ batch, shards }: ReturnType<typeof computeBatch>, answers: readonly ShardAnswer[]) {
  const exchange = createExchange<Answer>(batch.length, () => undefined, stoppedClock)
  exchange.join(1)
  const { result } = submitBatch(batch, { runId: 'r', step: 0, shards }, { ...tools(), exchange })
  for (const { message, gradient } of answers) {
    const readGradient = (into: PackedGradient) => into.set(gradient)
    exchange.deliver(1, workKey(0, message.shard), { workerId: 1, message, readGradient, gradientMemory: () => null })
  }
  return result
}

test('a contribution to a group is rejected as the answer to a shard without a group', () => {
  const { batch, answers, shards } = computeBatch(20, 10, 2, 0)
  const exchange = createExchange<Answer>(batch.length, () => undefined, stoppedClock)
  exchange.join(1)
  submitBatch(batch, { runId: 'r', step: 0, shards }, { ...tools(), exchange })
  const { slot: _, ...told } = answers[0]!.message
  const answer: Answer = {
    workerId: 1,
    message: { ...told, type: 'contribution' },
    readGradient: () => undefined,
    gradientMemory: () => null,
  }
  const fault = 'a contribution to a task without a group'
  expect(exchange.deliver(1, workKey(0, told.shard), answer)).toEqual({ taken: false, fault })
})

const counts = (answers: readonly ShardAnswer[]) => answers.map(({ message }) => message.count)

/** ‖a − b‖ / ‖b‖ */
function relativeDistance(a: Float32Array, b: Float32Array): number {
  const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
  return norm(Array.from(a, (value, i) => value - b[i]!)) / norm([...b])
}

function unweightedMean(answers: readonly ShardAnswer[]): Float32Array {
  const gradients = answers.map(({ gradient }) => gradient)
  return gradients[0]!.map((_, i) => gradients.reduce((sum, gradient) => sum + gradient[i]!, 0) / gradients.length)
}

describe('the gradient of a batch', () => {
  test.each([
    ['a whole batch in uneven shards', computeBatch(200, 50, 4, 1), [13, 13, 12, 12]],
    ['a partial last batch', computeBatch(207, 50, 4, 4), [2, 2, 2, 1]],
    ['a last batch smaller than the number of shards', computeBatch(203, 50, 5, 4), [1, 1, 1]],
    ['a batch in three shards', computeBatch(50, 50, 3, 0), [17, 17, 16]],
  ])('is that of all its samples computed at once, for %s', async (_, computed, expectedCounts) => {
    const { answers, whole } = computed
    expect(counts(answers)).toEqual(expectedCounts)
    const wrong = relativeDistance(unweightedMean(answers), whole.gradient)
    const combined = await answerBatch(computed, answers)
    expect(relativeDistance(combined.gradient, whole.gradient)).toBeLessThanOrEqual(1e-6)
    // The unweighted mean of uneven shards is far from it: the bound above would not hold.
    if (new Set(expectedCounts).size > 1) expect(wrong).toBeGreaterThan(1e-3)
    expect(combined.count).toBe(whole.count)
    expect(combined.correct).toBe(whole.correct)
    expect(combined.lossSum).toBeCloseTo(whole.lossSum, 10)
  })

  test('has the same bits whatever the order in which its shards arrive', async () => {
    const computed = computeBatch(200, 50, 7, 0)
    const expected = await answerBatch(computed, computed.answers)
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(computed.answers, { minLength: 7, maxLength: 7 }), async arrived => {
        expect(await answerBatch(computed, arrived)).toEqual(expected)
      }),
    )
  })

  test('is added up from where the shards are, without changing them, into the vector for the mean', async () => {
    const computed = computeBatch(20, 10, 2, 0)
    const expected = (await answerBatch(computed, computed.answers)).gradient
    const { batch, answers } = computed
    const exchange = createExchange<Answer>(batch.length, () => undefined, stoppedClock)
    exchange.join(1)
    const arithmetic = createArithmetic({ capacityBytes: 1 << 20, mappedBytes: 1 << 20, kind: 'wasm' })
    const vectors = createVectorPool(() => arithmetic.allocate(weights.length))
    const mean = arithmetic.allocate(weights.length)
    const asked: number[] = []
    const meanVector = (step: number) => {
      asked.push(step)
      return mean
    }
    const used = { ...tools(), arithmetic, vectors, meanVector, exchange }
    const { result } = submitBatch(batch, { runId: 'r', step: 0, shards: 2 }, used)
    const memories = answers.map(({ gradient }) => {
      const pages = arithmetic.takePages(4096)!
      pages.set(new Uint8Array(gradient.slice().buffer))
      return pages
    })
    const before = memories.map(memory => memory.slice())
    const readGradient = () => {
      throw new Error('the gradient is read where it is')
    }
    for (const [index, { message }] of answers.entries()) {
      const answer = { workerId: 1, message, readGradient, gradientMemory: () => memories[index]! }
      expect(exchange.deliver(1, workKey(0, message.shard), answer).taken).toBe(true)
    }
    expect((await result).gradient).toBe(mean)
    expect(mean).toEqual(expected)
    expect(asked).toEqual([0])
    expect(memories).toEqual(before)
  })

  test('counts a shard once if its answer arrives twice', async () => {
    const computed = computeBatch(20, 10, 2, 0)
    const [first, second] = computed.answers as [ShardAnswer, ShardAnswer]
    expect(await answerBatch(computed, [first, first, second])).toEqual(await answerBatch(computed, [first, second]))
  })
})

describe('submitting a batch', () => {
  /** The last batch of an epoch: 3 samples in 3 of the 4 shards, submitted as step 11. */
  function submitLast() {
    const orders: Order[] = []
    const exchange = createExchange<Answer>(9, (_, { order }) => orders.push(order), stoppedClock)
    exchange.join(1)
    const used = tools()
    const batch = epochBatches(makeSplit(33, 1), tinyConfig, 1).shards(3)
    const pending = submitBatch(batch, { runId: 'r', step: 11, shards: 4 }, { ...used, exchange })
    const answer = (shard: number, count: number, value = 0, told: { correct?: number; lossSum?: number } = {}) => {
      const gradient = new Float32Array(weights.length).fill(value)
      const { message } = shardAnswer(11, shard, count, { gradient, lossSum: 1, correct: 1, ...told })
      const readGradient = (into: PackedGradient) => into.set(gradient)
      return exchange.deliver(1, workKey(11, shard), { workerId: 1, message, readGradient, gradientMemory: () => null })
    }
    return { ...pending, ...used, orders, answer }
  }

  test('requests every shard that has samples, and accepts only answers with plausible counts', async () => {
    const { orders, answer, result } = submitLast()
    const order = { type: 'work', runId: 'r', step: 11, count: 1 }
    expect(orders).toEqual([0, 1, 2].map(shard => ({ ...order, shard })))
    expect(answer(0, 2)).toEqual({ taken: false, fault: '2 samples instead of 1' })
    expect(answer(0, 1, 0, { correct: 2 })).toEqual({ taken: false, fault: '2 of 1 samples correct' })
    // The mean of (9, 0, 3) over one sample each is 4.
    for (const [shard, value] of [
      [2, 3],
      [0, 9],
      [1, 0],
    ] as const)
      expect(answer(shard, 1, value).taken).toBe(true)
    const { gradient, ...sums } = await result
    const shares = [1, 1, 1].map(samples => ({ workerId: 1, samples }))
    expect(sums).toEqual({ lossSum: 3, correct: 3, count: 3, shares })
    for (const value of gradient) expect(value).toBeCloseTo(4, 6)
  })

  test.each([Number.NaN, 2 ** 127, -1e308])('fails when two answers for a shard have a loss of %d', async lossSum => {
    const { answer, result, orders } = submitLast()
    answer(0, 1, 0, { lossSum })
    expect(orders.at(-1)).toMatchObject({ shard: 0 })
    answer(0, 1, 0, { lossSum })
    await expect(result).rejects.toMatchObject({ code: 'not-finite' })
  })

  test('returns each vector when it has been added, and that of the mean when it is released', async () => {
    const { answer, result, release, vectors, allocated } = submitLast()
    for (const shard of [0, 1, 2]) answer(shard, 1, shard)
    const { gradient } = await result
    // The vector of shard 1 had been added to that of shard 0 before shard 2 arrived.
    expect(allocated.length).toBe(2)
    expect(vectors.take()).toBe(allocated.find(vector => vector !== gradient))
    expect(vectors.take()).not.toBe(gradient)
    release()
    expect(vectors.take()).toBe(gradient)
  })

  test('returns the vectors of an unfinished batch when it is released', () => {
    const { answer, release, vectors, allocated } = submitLast()
    for (const shard of [0, 2]) answer(shard, 1, shard)
    expect(allocated.length).toBe(2)
    release()
    expect(new Set([vectors.take(), vectors.take()])).toEqual(new Set(allocated.slice(0, 2)))
    expect(allocated.length).toBe(2)
  })
})
