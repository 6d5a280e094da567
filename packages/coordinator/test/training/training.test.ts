import { weightsSha256 } from '@lockstep/model'
import { describe, expect, test } from 'vitest'
import type { Training } from '../../src/training/setup.ts'
import { sampleNumbers, savedState, tinyPlan } from '../support/tiny-plan.ts'
import { trainAlone } from '../support/train-alone.ts'
import { trainTiny } from '../support/train-tiny.ts'

const alone = trainAlone()
const finalSha256 = weightsSha256(alone.at(-1)!)

describe('the trained weights', () => {
  test.each([1, 2, 3, 7])('are bit-identical to those of a plain loop with %i workers', async workers => {
    const { plan, status } = await trainTiny({ workers })
    expect(status).toBe('completed')
    // 33 samples in batches of 10 make 4 steps an epoch, in 2 epochs.
    expect(plan.state.step).toBe(8)
    expect(weightsSha256(plan.state.weights)).toBe(finalSha256)
  })

  test.each(Array.from({ length: 12 }, (_, seed) => seed))(
    'do not depend on workers that join and leave at any moment (seed %i)',
    async seed => {
      const { plan, events } = await trainTiny({
        workers: 2,
        seed,
        disturb: (pool, random) => {
          const chance = random.below(12)
          if (chance === 0 && pool.size() > 0) pool.kill()
          if (pool.size() === 0 || (chance === 1 && pool.size() < 5)) pool.add()
        },
      })
      expect(events.some(event => event.type === 'worker-lost')).toBe(true)
      expect(weightsSha256(plan.state.weights)).toBe(finalSha256)
    },
  )

  test('are the same when the only worker is lost and another one joins later', async () => {
    let deliveries = 0
    const { plan, events } = await trainTiny({
      workers: 1,
      disturb: pool => {
        deliveries += 1
        if (deliveries === 30) pool.kill()
        if (deliveries === 200) pool.add()
      },
    })
    expect(events.filter(event => event.type === 'worker-lost')).toHaveLength(1)
    expect(weightsSha256(plan.state.weights)).toBe(finalSha256)
  })

  test('are the same after a resume from the checkpoint of any step', async () => {
    const whole = await trainTiny({ workers: 2, training: () => ({ isCheckpointDue: () => true }) })
    // One after each of the 8 steps, and one at the end of each of the 2 epochs.
    expect(whole.checkpoints).toHaveLength(10)
    for (const checkpoint of whole.checkpoints) {
      const state = savedState(checkpoint)
      const resumed = await trainTiny({ workers: 1, plan: tinyPlan({}, state) })
      expect(resumed.status).toBe('completed')
      expect(weightsSha256(state.weights)).toBe(finalSha256)
      expect(state.history.epochs.map(learnt)).toEqual(whole.epochs.map(learnt))
      for (const { imagesPerSecond } of resumed.epochs) expect(Number.isFinite(imagesPerSecond)).toBe(true)
    }
  })

  test('follow a schedule with warm-up and weight decay, also after a resume in the middle of it', async () => {
    const recipe = { schedule: 'cosine', warmup: 0.5, weightDecay: 0.1 } as const
    const expected = weightsSha256(trainAlone(tinyPlan(recipe)).at(-1)!)
    expect(expected).not.toBe(finalSha256)
    const whole = await trainTiny({
      workers: 2,
      plan: tinyPlan(recipe),
      training: () => ({ isCheckpointDue: () => true }),
    })
    expect(weightsSha256(whole.plan.state.weights)).toBe(expected)
    const state = savedState(whole.checkpoints[4]!)
    await trainTiny({ workers: 1, plan: tinyPlan(recipe, state) })
    expect(weightsSha256(state.weights)).toBe(expected)
  })

  test('are those of a plain loop that rounds gradients and their mean if compression is on', async () => {
    const compressed = { compress: 'bfloat16' } as const
    const expected = weightsSha256(trainAlone(tinyPlan(compressed)).at(-1)!)
    expect(expected).not.toBe(finalSha256)
    for (const workers of [1, 3]) {
      const { plan, status } = await trainTiny({ workers, plan: tinyPlan(compressed) })
      expect(status).toBe('completed')
      expect(weightsSha256(plan.state.weights)).toBe(expected)
    }
  })

  test('are updated with the learning rate of each step, which the metrics repeat', async () => {
    const rates: number[] = []
    const recipe = { schedule: 'cosine', warmup: 0.5, learningRate: 0.1 } as const
    const { epochs } = await trainTiny({
      workers: 2,
      plan: tinyPlan(recipe),
      training: ({ membership }) => ({
        broadcast: (update, gradient) => {
          rates.push(update.learningRate)
          membership.broadcast(update, gradient)
        },
      }),
    })
    // Half an epoch of 4 steps rises in 2; the other 6 of the 8 steps go down half a cosine.
    const cosine = Array.from({ length: 6 }, (_, step) => 0.05 * (1 + Math.cos((Math.PI * step) / 6)))
    expect(rates).toEqual([0.05, 0.1, ...cosine].map(rate => expect.closeTo(rate, 15)))
    expect(epochs.map(({ learningRate }) => learningRate)).toEqual([rates[3], rates[7]])
  })

  test('follow the plain loop step by step', async () => {
    const { checkpoints } = await trainTiny({ workers: 2, training: () => ({ isCheckpointDue: () => true }) })
    for (const checkpoint of checkpoints) {
      const { step, weights } = savedState(checkpoint)
      expect(weights).toEqual(alone[step - 1])
    }
  })
})

test('every sample of an epoch is in exactly one applied gradient, even if workers are lost', async () => {
  const applied = new Map<number, number[]>()
  const { plan } = await trainTiny({
    workers: 3,
    seed: 4,
    disturb: (pool, random) => {
      if (random.below(25) > 0) return
      pool.kill()
      pool.add()
    },
    training: ({ exchange }) => ({ exchange: { ...exchange, submitAll: recordSamples(exchange.submitAll, applied) } }),
  })
  const everySample = Array.from({ length: plan.train.count }, (_, sample) => sample)
  for (const steps of [
    [0, 1, 2, 3],
    [4, 5, 6, 7],
  ]) {
    const samples = steps.flatMap(step => applied.get(step)!)
    expect(samples.sort((a, b) => a - b)).toEqual(everySample)
  }
})

/** Records the samples of each shard by step when its answer has been taken. */
function recordSamples(submitAll: Training['exchange']['submitAll'], applied: Map<number, number[]>): typeof submitAll {
  return tasks =>
    submitAll(tasks).map(async (answering, index) => {
      const answer = await answering
      if (answer.message.type !== 'gradient') return answer
      const { step, tensors } = tasks[index]!
      const samples = sampleNumbers(tensors().pixels as Uint8Array)
      expect(answer.message.count).toBe(samples.length)
      applied.set(step, [...(applied.get(step) ?? []), ...samples])
      return answer
    })
}

/** The figures of an epoch that do not depend on the clock or the workers. */
function learnt({ epoch, step, trainLoss, trainAccuracy, validationLoss, validationAccuracy }: EpochFigures) {
  return { epoch, step, trainLoss, trainAccuracy, validationLoss, validationAccuracy }
}

type EpochFigures = Parameters<Training['onEpoch']>[0]
