import type { CoordinatorEvent, StepReport } from '@lockstep/coordinator'
import { expect, test } from 'vitest'
import { createStepFilter } from '../../src/supervise/step-filter.ts'

const report: StepReport = {
  epoch: 1,
  batch: 1,
  batches: 9,
  step: 1,
  loss: 2,
  accuracy: 0.1,
  samples: 50,
  active: 2,
}
const step: CoordinatorEvent = { type: 'step', ...report }
const phase: CoordinatorEvent = { type: 'phase', phase: 'training', active: 2 }

/** Whether each of these events passes at its time in ms. */
function passing(wantsEveryStep: boolean, ...events: readonly (readonly [atMs: number, event: CoordinatorEvent])[]) {
  const clock = { nowMs: 0 }
  const filter = createStepFilter(wantsEveryStep, () => clock.nowMs)
  return events.map(([atMs, event]) => {
    clock.nowMs = atMs
    return filter(event)
  })
}

test('steps pass at most ten times a second, other events always', () => {
  const events = [0, 50, 99, 100, 150, 200].map(atMs => [atMs, step] as const)
  expect(passing(false, ...events)).toEqual([true, false, false, true, false, true])
  expect(passing(false, [0, step], [1, phase], [2, phase], [3, step])).toEqual([true, true, true, false])
})

test('all steps pass if every step is wanted', () => {
  expect(passing(true, [0, step], [1, step], [2, step])).toEqual([true, true, true])
})
