import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { weightsSha256 } from '@lockstep/model'
import type { RunConfig } from '@lockstep/protocol'
import { beforeEach, describe, expect, test } from 'vitest'
import type { CoordinatorEvent } from '../../src/events.ts'
import { createLossTrail, diverged, divergedAt } from '../../src/training/divergence.ts'
import { temporaryFolder } from '../support/folder.ts'
import { startSocketWorker } from '../support/socket-worker.ts'
import { startTiny } from '../support/start-coordinator.ts'
import { newestState, tinyPlan } from '../support/tiny-plan.ts'
import { trainAlone } from '../support/train-alone.ts'

test('a loss trail keeps the last five losses, the oldest first', () => {
  const trail = createLossTrail()
  expect(trail.last()).toEqual([])
  for (const loss of [1, 2, 3, 4, 5, 6]) trail.add(loss)
  expect(trail.last()).toEqual([2, 3, 4, 5, 6])
})

describe('a divergence', () => {
  test('is reported with the learning rate of its step, or of the first step if none was taken', () => {
    const { config, state } = tinyPlan()
    const course = { config, state, losses: createLossTrail(), learningRateAt: (step: number) => 10 * step }
    const rateOf = (step: number) => /learning rate (\d+)/.exec(divergedAt(course, step, 'it').message)?.[1]
    // Steps are reported from 1 and scheduled from 0.
    expect([0, 1, 7].map(rateOf)).toEqual(['0', '0', '60'])
  })

  const config: Pick<RunConfig, 'schedule' | 'warmup'> = { schedule: 'constant', warmup: 0 }
  const where = { what: 'the training loss is NaN', step: 812, epoch: 3, learningRate: 0.05, config }

  test('is reported with its step, its learning rate, the losses before it and a remedy', () => {
    const error = diverged({ ...where, losses: [2.3017, 41.5, 1.25e9] })
    expect(error.message).toBe(
      'training has diverged at step 812 in epoch 3, learning rate 0.05: the training loss is NaN, after losses of 2.302, 41.50, 1.250e+9',
    )
    expect(error).toMatchObject({
      code: 'diverged',
      hint: expect.stringMatching(/lower --learning-rate or a --warmup/),
    })
  })

  test('has a hint that fits the configuration', () => {
    const hintOf = (given: Partial<typeof config>) =>
      /(lower --learning-rate.*), and look/.exec(
        diverged({ ...where, losses: [], config: { ...config, ...given } }).hint!,
      )?.[1]
    expect(hintOf({ schedule: 'cosine', warmup: 0 })).toBe('lower --learning-rate or a --warmup')
    expect(hintOf({ warmup: 0.5 })).toBe('lower --learning-rate or a longer --warmup')
    // This schedule allows no warm-up.
    expect(hintOf({ schedule: 'one-cycle' })).toBe('lower --learning-rate')
  })

  test('without earlier losses mentions none', () => {
    expect(diverged({ ...where, losses: [] }).message).toMatch(/: the training loss is NaN$/)
  })
})

describe('after a divergence the newest checkpoint', () => {
  let path: string

  beforeEach(async () => {
    path = join(await temporaryFolder(), 'run')
  })

  const alone = trainAlone()

  test('holds the weights before the step that diverged', async () => {
    const { url, finished } = await startTiny(path)
    startSocketWorker(url, {
      before: message =>
        message.type === 'gradient' && message.step === 6 ? { ...message, lossSum: Number.NaN } : message,
    })
    await expect(finished).rejects.toMatchObject({
      code: 'diverged',
      message: expect.stringMatching(
        /^training has diverged at step 7 in epoch 2, learning rate 0.05: .*, after losses/,
      ),
    })
    const state = await newestState(path)
    expect([state.step, weightsSha256(state.weights)]).toEqual([6, weightsSha256(alone[5]!)])
  })

  test('is an earlier one if the weights are not finite, and the run reports that they are not saved', async () => {
    const plan = tinyPlan()
    const events: CoordinatorEvent[] = []
    const { url, finished } = await startTiny(path, {
      plan,
      checkpointEvery: 1,
      onEvent: event => {
        events.push(event)
        // As after a step whose loss is still finite: the weights are noticed only when the state is saved.
        if (event.type === 'step' && event.step === 6) plan.state.weights[3] = Number.POSITIVE_INFINITY
      },
    })
    startSocketWorker(url)
    await expect(finished).rejects.toMatchObject({
      code: 'diverged',
      message: expect.stringMatching(
        /^training has diverged at step 6 in epoch 2, .*: there are weights that are not finite/,
      ),
    })
    expect(events.filter(({ type }) => type === 'state-not-saved')).toEqual([
      { type: 'state-not-saved', step: 6, reason: expect.stringMatching(/^training has diverged at step 6/) },
    ])
    const state = await newestState(path)
    expect([state.step, weightsSha256(state.weights)]).toEqual([5, weightsSha256(alone[4]!)])
    expect((await readdir(join(path, 'checkpoints'))).at(-1)).toBe('step-000000005.ckpt')
  })
})
