import { createGradientFormat, createVectorPool, plainArithmetic } from '@lockstep/model/arithmetic'
import { expect, test } from 'vitest'
import { createStepTiming } from '../../src/timing/step-timing.ts'
import { createLossTrail } from '../../src/training/divergence.ts'
import type { Training } from '../../src/training/setup.ts'
import { tellStep } from '../../src/training/step.ts'
import { createIdleTiming } from '../support/idle-timing.ts'
import { tinyPlan } from '../support/tiny-plan.ts'
import { trainTiny } from '../support/train-tiny.ts'

test('a wait for workers is reported once, is repeated if workers leave again, and counts in no step', async () => {
  const plan = tinyPlan({ epochs: 1 })
  let now = 0
  const nowMs = () => {
    now += 1
    return now
  }
  // Before the second step there are too few workers, twice in a row.
  let waits = 2
  const awaitQuorum = () => {
    if (plan.state.step !== 1 || waits === 0) return null
    waits -= 1
    return Promise.resolve().then(() => {
      now += 60_000
    })
  }
  const timing = createStepTiming({ nowMs, warmUpSteps: 0, logsSteps: true, trace: null })
  const { steps, events } = await trainTiny({ workers: 1, plan, training: () => ({ awaitQuorum, timing, nowMs }) })
  expect(waits).toBe(0)
  const phases = events.flatMap(event => (event.type === 'phase' ? [event.phase] : []))
  expect(phases).toEqual(['training', 'waiting for workers', 'training', 'validating'])
  expect(steps).toHaveLength(4)
  for (const { milliseconds } of steps) expect(milliseconds).toBeLessThan(60_000)
  expect(plan.state.history.trainSeconds).toBeLessThan(60)
})

test('a validation waits for workers as a step does', async () => {
  const plan = tinyPlan({ epochs: 1 })
  let waits = 1
  const awaitQuorum = () => {
    if (plan.state.step < 4 || waits === 0) return null
    waits -= 1
    return Promise.resolve()
  }
  const { events } = await trainTiny({ workers: 1, plan, training: () => ({ awaitQuorum }) })
  const phases = events.flatMap(event => (event.type === 'phase' ? [event.phase] : []))
  expect(phases).toEqual(['training', 'validating', 'waiting for workers', 'validating'])
})

test('a mean is sent to all workers unless all of them have computed it themselves', () => {
  const told: number[] = []
  const run = {
    state: { step: 3 },
    runId: 'r',
    timing: createIdleTiming(),
    losses: createLossTrail(),
    format: createGradientFormat({ compress: 'none', seed: 1 }, plainArithmetic, 1),
    learningRateAt: () => 0.1,
    broadcast: ({ step }: { readonly step: number }) => told.push(step),
  } as unknown as Training
  const result = { gradient: Float32Array.of(1), lossSum: 2, correct: 1, count: 4, shares: [] }
  tellStep(run, { ...result, isEverywhere: () => true })
  expect(told).toEqual([])
  tellStep(run, { ...result, isEverywhere: () => false })
  tellStep(run, result)
  expect(told).toEqual([3, 3])
  expect(run.losses.last()).toEqual([0.5, 0.5, 0.5])
})

test('steps reuse the vectors of earlier steps', async () => {
  const plan = tinyPlan({ epochs: 6 })
  let vectors = 0
  const pool = createVectorPool(() => {
    vectors += 1
    return plan.arithmetic.allocate(plan.state.weights.length)
  })
  const { steps } = await trainTiny({ workers: 2, plan, training: () => ({ vectors: pool }) })
  expect(steps).toHaveLength(24)
  // The four shards of a step, and those of the next one, which is submitted ahead.
  expect(vectors).toBeLessThanOrEqual(8)
})

test('a step is logged before its checkpoint, and an epoch after the checkpoint at its end', async () => {
  const plan = tinyPlan({ epochs: 1 })
  const log: string[] = []
  await trainTiny({
    workers: 1,
    plan,
    training: () => ({
      isCheckpointDue: step => step % 2 === 0,
      onStep: async ({ step }) => void log.push(`step ${step}`),
      checkpoint: async () => void log.push(`checkpoint ${plan.state.step}`),
      onEpoch: async ({ epoch }) => void log.push(`epoch ${epoch}`),
    }),
  })
  expect(log).toEqual([
    ...['step 1', 'step 2', 'checkpoint 2', 'step 3'],
    ...['step 4', 'checkpoint 4', 'checkpoint 4', 'epoch 1'],
  ])
})
