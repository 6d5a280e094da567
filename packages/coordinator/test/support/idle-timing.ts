import { createStepTiming } from '../../src/timing/step-timing.ts'

/** Timing for tests in which no time passes. */
export function createIdleTiming() {
  return createStepTiming({ nowMs: () => 0, warmUpSteps: 0, logsSteps: false, trace: null })
}
