import type { Message } from '@lockstep/protocol'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { epochBatches } from '../src/batches.ts'
import { createExchange } from '../src/exchange.ts'
import type { Answer } from '../src/membership.ts'
import { combineShards, submitBatch, workKey } from '../src/step.ts'
import { decodeWith } from './support/decode.ts'
import { createTinyEngine } from './support/tiny-engine.ts'
import { makeSplit, tinyConfig, tinyState } from './support/tiny-plan.ts'

const engine = createTinyEngine()
const { weights } = tinyState()

/** The answers of a batch's shards, each with the mean gradient of its samples, and the batch as a whole. */
function computeBatch(samples: number, batchSize: number, shards: number, batch: number) {
  const config = { ...tinyConfig, batchSize, shards }
  const split = makeSplit(samples, 1)
  const answers = epochBatches(split, config, 1)
    .shards(batch)
    .map(({ shard, count, read }): Answer => {
      const { pixels, labels, keys } = read()
      const { gradient, lossSum, correct } = engine.gradient(weights, pixels, labels, keys)
      const message = { type: 'gradient', runId: 'r', step: 0, shard, count, lossSum, correct } as const
      return { workerId: 1, message, tensors: { gradient } }
    })
  const [all] = epochBatches(split, { ...config, shards: 1 }, 1).shards(batch)
  const { pixels, labels, keys } = all!.read()
  return { answers, whole: engine.gradient(weights, pixels, labels, keys), shards }
}

const counts = (answers: readonly Answer[]) => answers.map(({ message }) => message.count)

/** ‖a − b‖ / ‖b‖ */
function relativeDistance(a: Float32Array, b: Float32Array): number {
  const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, value) => sum + value * value, 0))
  return norm(Array.from(a, (value, i) => value - b[i]!)) / norm([...b])
}

function unweightedMean(answers: readonly Answer[]): Float32Array {
  const gradients = answers.map(({ tensors }) => tensors.gradient as Float32Array)
  return gradients[0]!.map((_, i) => gradients.reduce((sum, gradient) => sum + gradient[i]!, 0) / gradients.length)
}

describe('the gradient of a batch', () => {
  test.each([
    ['a whole batch in uneven shards', computeBatch(200, 50, 4, 1), [13, 13, 12, 12]],
    ['a partial last batch', computeBatch(207, 50, 4, 4), [2, 2, 2, 1]],
    ['a last batch smaller than the number of shards', computeBatch(203, 50, 5, 4), [1, 1, 1]],
    ['a batch in three shards', computeBatch(50, 50, 3, 0), [17, 17, 16]],
  ])('is that of all its samples at once, for %s', (_, { answers, whole, shards }, expectedCounts) => {
    expect(counts(answers)).toEqual(expectedCounts)
    const wrong = relativeDistance(unweightedMean(answers), whole.gradient)
    const combined = combineShards(answers, shards)
    expect(relativeDistance(combined.gradient, whole.gradient)).toBeLessThanOrEqual(1e-6)
    // Without the weights the mean would be far from it wherever shards are uneven: the bound above would notice.
    if (new Set(expectedCounts).size > 1) expect(wrong).toBeGreaterThan(1e-3)
    expect(combined.count).toBe(whole.count)
    expect(combined.correct).toBe(whole.correct)
    expect(combined.lossSum).toBeCloseTo(whole.lossSum, 10)
  })

  test('is the same bits whatever the order in which its shards arrived', () => {
    const { answers, shards } = computeBatch(200, 50, 7, 0)
    const fresh = () => answers.map(answer => ({ ...answer, tensors: { gradient: answer.tensors.gradient!.slice() } }))
    const expected = combineShards(fresh(), shards).gradient
    fc.assert(
      fc.property(fc.shuffledSubarray(fresh(), { minLength: 7, maxLength: 7 }), arrived => {
        const copies = arrived.map(answer => ({ ...answer, tensors: { gradient: answer.tensors.gradient!.slice() } }))
        expect(combineShards(copies, shards).gradient).toEqual(expected)
      }),
    )
  })

  test('is not made of anything but gradients', () => {
    const sha = '0'.repeat(64)
    const figures = { runId: 'r', step: 0, chunk: 0, count: 1, lossSum: 1, correct: 1, weightsSha256: sha }
    const answer: Answer = { workerId: 1, message: { type: 'metrics', ...figures }, tensors: {} }
    expect(() => combineShards([answer], 1)).toThrow(TypeError)
  })
})

describe('submitting a batch', () => {
  test('asks for every shard that has samples, and takes answers over just these', async () => {
    const orders: Message[] = []
    const exchange = createExchange<Answer>(
      9,
      (_, frame) => orders.push(decodeWith(frame).message),
      () => 0,
    )
    exchange.join(1)
    const batches = epochBatches(makeSplit(33, 1), tinyConfig, 1)
    const submitted = submitBatch(exchange, batches, 3, { runId: 'r', step: 11 })
    const order = { type: 'work', runId: 'r', step: 11, count: 1 }
    expect(orders).toEqual([0, 1, 2].map(shard => ({ ...order, shard })))
    const answer = (shard: number, count: number) => {
      const message = { type: 'gradient', runId: 'r', step: 11, shard, count, lossSum: 1, correct: 1 } as const
      return exchange.deliver(1, workKey(11, shard), { workerId: 1, message, tensors: {} })
    }
    expect(answer(0, 2)).toEqual({ taken: false, fault: '2 samples instead of 1' })
    for (const shard of [2, 0, 1]) expect(answer(shard, 1).taken).toBe(true)
    const answers = await submitted
    expect(answers.map(({ message }) => message.type === 'gradient' && message.shard)).toEqual([0, 1, 2])
  })
})
