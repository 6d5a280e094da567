import type { RunConfig } from '@lockstep/protocol'
import { courses } from './courses.ts'

/** The learning rate of each step, counted from 0. It depends only on the step, so a resumed run continues with it. */
export type LearningRateSchedule = (step: number) => number

export type ScheduleConfig = Pick<RunConfig, 'schedule' | 'learningRate' | 'warmup' | 'epochs'>

/**
 * Creates the schedule of a run's configuration. A warm-up rises linearly and reaches the full learning rate at its
 * last step (Goyal et al. 2017, section 2.2). The schedule's own course covers the remaining steps.
 */
export function createSchedule(config: ScheduleConfig, stepsPerEpoch: number): LearningRateSchedule {
  const { schedule, learningRate, warmup, epochs } = config
  const warmupSteps = Math.round(warmup * stepsPerEpoch)
  const span = { warmupSteps, totalSteps: epochs * stepsPerEpoch }
  const course = courses[schedule]
  return step => (step < warmupSteps ? learningRate * ((step + 1) / warmupSteps) : course(learningRate, step, span))
}
