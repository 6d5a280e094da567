import type { Tensors } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { createExchange, type Order } from '../../src/exchange.ts'
import type { Answer } from '../../src/membership/answer.ts'
import { evaluateSplit, evaluationChunk } from '../../src/training/evaluation.ts'
import { stoppedClock } from '../support/stopped-clock.ts'
import { makeSplit, sampleNumbers } from '../support/tiny-plan.ts'

const sha256 = 'a'.repeat(64)
const run = { runId: 'r', step: 5, weightsSha256: sha256 }
const split = makeSplit(2 * evaluationChunk + 10, 4)

/** An exchange with one worker and a window of 10, whose orders the test keeps and answers. */
function createOrders() {
  const orders: { readonly message: Order; readonly tensors: Tensors }[] = []
  const exchange = createExchange<Answer>(
    10,
    (_, { order, tensors }) => orders.push({ message: order, tensors: tensors() }),
    stoppedClock,
  )
  exchange.join(1)
  const answer = (chunk: number, count: number, lossSum: number, correct: number, weightsSha256 = sha256) => {
    const figures = { runId: 'r', step: 5, chunk, count, lossSum, correct, weightsSha256 }
    const message = { type: 'metrics', ...figures } as const
    const noGradient = { readGradient: () => undefined, gradientMemory: () => null }
    return exchange.deliver(1, `evaluate:5:${chunk}`, { workerId: 1, message, ...noGradient })
  }
  return { orders, exchange, answer }
}

describe('an evaluation', () => {
  test('is cut into fixed chunks that hold every sample once, in order', () => {
    const { orders, exchange } = createOrders()
    void evaluateSplit(exchange, split, run)
    expect(orders.map(({ message }) => message)).toEqual([
      { type: 'evaluate', runId: 'r', step: 5, chunk: 0, count: 250 },
      { type: 'evaluate', runId: 'r', step: 5, chunk: 1, count: 250 },
      { type: 'evaluate', runId: 'r', step: 5, chunk: 2, count: 10 },
    ])
    const samples = orders.flatMap(({ tensors }) => sampleNumbers(tensors.pixels as Uint8Array))
    expect(samples).toEqual(Array.from({ length: 510 }, (_, sample) => sample))
    expect(Buffer.concat(orders.map(({ tensors }) => tensors.labels as Uint8Array))).toEqual(Buffer.from(split.labels))
  })

  test('is the mean over the samples, summed in the order of the chunks whatever the order of arrival', async () => {
    // In float64, (1e16 + 1) + 1 = 1e16 but (1 + 1) + 1e16 = 1e16 + 2.
    const { exchange, answer } = createOrders()
    const figures = evaluateSplit(exchange, split, run)
    answer(2, 10, 1, 3)
    answer(1, 250, 1, 100)
    answer(0, 250, 1e16, 50)
    expect(await figures).toEqual({ loss: 1e16 / 510, accuracy: 153 / 510 })
  })

  test('rejects an answer from a replica that has drifted', () => {
    const { exchange, answer } = createOrders()
    void evaluateSplit(exchange, split, run)
    const outcome = answer(0, 250, 1, 1, 'b'.repeat(64))
    expect(outcome).toMatchObject({ taken: false, fault: expect.stringContaining('has drifted') })
  })

  test('rejects an answer with another number of samples', () => {
    const { exchange, answer } = createOrders()
    void evaluateSplit(exchange, split, run)
    expect(answer(2, 250, 1, 1)).toEqual({ taken: false, fault: '250 samples instead of 10' })
  })

  test('rejects an answer with more correct samples than there are', () => {
    const { exchange, answer } = createOrders()
    void evaluateSplit(exchange, split, run)
    expect(answer(2, 10, 1, 11)).toEqual({ taken: false, fault: '11 of 10 samples correct' })
    expect(answer(2, 10, 1, 10)).toMatchObject({ taken: true })
  })

  test.each([Number.NaN, 10 * 2 ** 127, -1e308])(
    'fails when two answers for a chunk of 10 have a loss of %d',
    async loss => {
      const { exchange, answer } = createOrders()
      const figures = evaluateSplit(exchange, split, run)
      for (let time = 0; time < 2; time++) answer(2, 10, loss, 3)
      await expect(figures).rejects.toMatchObject({ code: 'not-finite' })
    },
  )
})
