import { describe, expect, test } from 'vitest'
import { createTinyEngine } from '../support/tiny-engine.ts'
import { savedState, tinyPlan, tinyState } from '../support/tiny-plan.ts'
import { trainTiny } from '../support/train-tiny.ts'

describe('the figures of an epoch', () => {
  test('are means over its training and validation samples', async () => {
    const plan = tinyPlan({ epochs: 1 })
    const start = tinyState()
    const { epochs } = await trainTiny({ workers: 2, plan })
    const { evaluate } = createTinyEngine()
    const { validation, state } = plan
    const expected = evaluate(state.weights, validation!.pixels, validation!.labels)
    expect(epochs).toHaveLength(1)
    expect(epochs[0]).toMatchObject({ epoch: 1, step: 4, learningRate: 0.05, workers: 2 })
    expect(epochs[0]!.validationLoss).toBeCloseTo(expected.lossSum / 9, 12)
    expect(epochs[0]!.validationAccuracy).toBe(expected.correct / 9)
    // Each sample counts with the weights before its own step: the mean lies between those of start and end.
    const [before, after] = [start, state].map(({ weights }) => evaluate(weights, plan.train.pixels, plan.train.labels))
    expect(epochs[0]!.trainLoss).toBeLessThan(before!.lossSum / 33)
    expect(epochs[0]!.trainLoss).toBeGreaterThan(after!.lossSum / 33)
    expect(epochs[0]!.trainAccuracy * 33).toBeCloseTo(Math.round(epochs[0]!.trainAccuracy * 33), 9)
  })

  test('include the learning rate of its last step', async () => {
    const { epochs } = await trainTiny({ workers: 1, plan: tinyPlan({ schedule: 'step', learningRate: 0.1 }) })
    // Of 8 steps the fifth and sixth are at a tenth, the last two at a hundredth.
    expect(epochs.map(({ learningRate }) => learningRate)).toEqual([0.1, 0.001])
  })

  test('give the speed over the time of the steps alone', async () => {
    const { epochs, plan } = await trainTiny({ workers: 1, plan: tinyPlan({ epochs: 1 }) })
    // The clock is read at the start and end of each of the 4 steps, and moves 10 ms each time: 40 ms for 33 samples.
    expect(epochs[0]!.imagesPerSecond).toBeCloseTo(33 / 0.04, 6)
    expect(plan.state.history.trainSeconds).toBeCloseTo(0.04, 9)
  })

  test('leave the first 20 steps out of the speed of the run', async () => {
    // Of 6 epochs of 4 steps, steps 21 to 24 are measured: the sixth epoch with its 33 samples.
    const { plan } = await trainTiny({ workers: 1, plan: tinyPlan({ epochs: 6 }) })
    const { measuredSamples, measuredSeconds } = plan.state.history
    expect([measuredSamples, measuredSeconds.toFixed(9)]).toEqual([33, '0.040000000'])
  })

  test('have null for validation without a validation set', async () => {
    const { epochs } = await trainTiny({ workers: 1, plan: tinyPlan({ epochs: 1, validationSplit: 0 }) })
    expect(epochs[0]).toMatchObject({ validationLoss: null, validationAccuracy: null })
  })

  test('after a resume within the epoch give the speed of the remaining steps', async () => {
    const { checkpoints } = await trainTiny({ workers: 1, training: () => ({ isCheckpointDue: () => true }) })
    const state = savedState(checkpoints[2]!)
    expect(state.position).toMatchObject({ epoch: 1, batch: 3, count: 30 })
    const { epochs } = await trainTiny({ workers: 1, plan: tinyPlan({}, state) })
    // One step of 3 samples was left, in 10 ms.
    expect(epochs[0]!.imagesPerSecond).toBeCloseTo(3 / 0.01, 6)
  })

  test('after a resume at the end of its steps give a speed of 0', async () => {
    const { checkpoints } = await trainTiny({ workers: 1, training: () => ({ isCheckpointDue: () => true }) })
    const state = savedState(checkpoints[3]!)
    expect(state.position).toMatchObject({ epoch: 1, batch: 4, count: 33 })
    const { epochs } = await trainTiny({ workers: 1, plan: tinyPlan({}, state) })
    expect(epochs[0]).toMatchObject({ epoch: 1, step: 4, imagesPerSecond: 0 })
  })
})
