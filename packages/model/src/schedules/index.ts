import type { RunConfig } from '@lockstep/protocol'
import { courses } from './courses.ts'

/** The learning rate of each step, counted from 0: of the step alone, so that a resumed run goes on with it. */
export type LearningRateSchedule = (step: number) => number

export type ScheduleConfig = Pick<RunConfig, 'schedule' | 'learningRate' | 'warmup' | 'epochs'>

/**
 * The schedule that a run's configuration asks for. A warm-up rises by equal steps, of which the last one has the whole
 * learning rate (Goyal et al. 2017, section 2.2); the schedule's own course takes the steps that are left.
 */
export function createSchedule(config: ScheduleConfig, stepsPerEpoch: number): LearningRateSchedule {
  const { schedule, learningRate, warmup, epochs } = config
  const warmupSteps = Math.round(warmup * stepsPerEpoch)
  const span = { warmupSteps, totalSteps: epochs * stepsPerEpoch }
  const course = courses[schedule]
  return step => (step < warmupSteps ? learningRate * ((step + 1) / warmupSteps) : course(learningRate, step, span))
}
