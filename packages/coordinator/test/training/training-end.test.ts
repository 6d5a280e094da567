import { weightsSha256 } from '@lockstep/model'
import { LockstepError } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { createTinyEngine } from '../support/tiny-engine.ts'
import { savedState, tinyPlan, tinyState } from '../support/tiny-plan.ts'
import { trainAlone } from '../support/train-alone.ts'
import { trainTiny } from '../support/train-tiny.ts'

const finalSha256 = weightsSha256(trainAlone().at(-1)!)
const lost = new LockstepError('no-workers', 'nobody is there')

describe('training ends', () => {
  test('between two steps when asked to, and ends with the same weights when resumed', async () => {
    for (const stopAt of [0, 1, 4, 6]) {
      const plan = tinyPlan()
      const stopped = await trainTiny({
        workers: 2,
        plan,
        training: () => ({ shouldStop: () => plan.state.step >= stopAt }),
      })
      expect([stopped.status, plan.state.step]).toEqual(['interrupted', stopAt])
      const resumed = await trainTiny({ workers: 1, plan: tinyPlan({}, plan.state) })
      expect(resumed.status).toBe('completed')
      expect(weightsSha256(plan.state.weights)).toBe(finalSha256)
    }
  })

  test('as completed when asked to stop during the last step', async () => {
    const plan = tinyPlan()
    const { status, epochs } = await trainTiny({
      workers: 1,
      plan,
      training: () => ({ shouldStop: () => plan.state.step === 8 }),
    })
    expect([status, epochs.length]).toEqual(['completed', 2])
  })

  test('early when the validation loss has not fallen for long enough, and at once when resumed then', async () => {
    // The learning rate is too small to change a weight, so no epoch is better than the first.
    const still = { epochs: 9, optimizer: 'sgd', momentum: 0, learningRate: 1e-30, earlyStopping: 2 } as const
    const stopped = await trainTiny({ workers: 2, plan: tinyPlan(still) })
    expect([stopped.status, stopped.epochs.length]).toEqual(['stopped early', 3])
    const state = savedState(stopped.checkpoints.at(-1)!)
    const resumed = await trainTiny({ workers: 1, plan: tinyPlan(still, state) })
    expect([resumed.status, resumed.epochs.length]).toEqual(['stopped early', 0])
  })

  test('with an error when the loss is not a number, although work for the next step has been sent', async () => {
    const engine = createTinyEngine()
    const losses = [2, 4, 8, 16, 32, 64, Number.NaN]
    const plan = tinyPlan({ shards: 1, schedule: 'step' })
    const running = trainTiny({
      workers: 1,
      plan,
      // Losses in the order of the steps, although the next step is submitted before this one is done.
      engine: {
        ...engine,
        gradient: (weights, pixels, labels, keys) => {
          const count = labels.length
          return { ...engine.gradient(weights, pixels, labels, keys), lossSum: losses.shift()! * count }
        },
      },
    })
    await expect(running).rejects.toMatchObject({
      code: 'diverged',
      // 8 steps in all: from the fifth on at a tenth of the rate, and from the seventh on at a hundredth.
      message:
        'training has diverged at step 7 in epoch 2, learning rate 0.0005: the gradient of shard 0 of step 7 is not finite, computed twice by worker 1 (fake-1 on here), after losses of 4.000, 8.000, 16.00, 32.00, 64.00',
      hint: expect.stringContaining('--learning-rate'),
    })
    expect(plan.state.step).toBe(6)
  })

  test('with an error that names two workers when the same shard is not finite on both', async () => {
    const weights = tinyState().weights.fill(Number.NaN)
    const plan = tinyPlan({}, { ...tinyState(), weights })
    await expect(trainTiny({ workers: 2, plan })).rejects.toMatchObject({
      code: 'diverged',
      message: expect.stringMatching(
        /^training has diverged at step 1 in epoch 1, learning rate 0.05: the gradient of shard \d of step 1 is not finite, computed by worker (1|2) \(fake-[12] on here\) and worker (1|2) \(fake-[12] on here\)$/,
      ),
    })
    expect(plan.state.step).toBe(0)
  })

  test('with an error when the validation loss is not finite', async () => {
    const engine = createTinyEngine()
    const plan = tinyPlan()
    const running = trainTiny({
      workers: 1,
      plan,
      engine: { ...engine, evaluate: (...shard) => ({ ...engine.evaluate(...shard), lossSum: Infinity }) },
    })
    await expect(running).rejects.toMatchObject({
      code: 'diverged',
      message: expect.stringMatching(
        /^training has diverged at step 4 in .*: the evaluation of chunk 0 after step 4 is not/,
      ),
    })
    expect(plan.state.history.epochs).toEqual([])
  })

  test('with the error of a checkpoint that cannot be written', async () => {
    const full = new LockstepError('disk-full', 'the disk is full')
    const running = trainTiny({
      workers: 1,
      training: () => ({ isCheckpointDue: step => step % 2 === 0, checkpoint: () => Promise.reject(full) }),
    })
    await expect(running).rejects.toBe(full)
  })

  test('with the error of an abort at any step', async () => {
    for (const at of [0, 3, 5]) {
      const plan = tinyPlan()
      const running = trainTiny({
        workers: 2,
        plan,
        training: pool => ({ onEvent: event => event.type === 'step' && event.step > at && pool.abort(lost) }),
      })
      await expect(running).rejects.toBe(lost)
    }
  })

  test('with the error of an abort during a checkpoint', async () => {
    const running = trainTiny({
      workers: 2,
      training: pool => ({
        isCheckpointDue: () => true,
        checkpoint: async () => {
          pool.abort(lost)
          // Long enough for Node to report an unhandled rejection.
          await new Promise(resolve => setTimeout(resolve, 5))
        },
      }),
    })
    await expect(running).rejects.toBe(lost)
  })
})
