import type { RunConfig } from '@lockstep/protocol'
import { swing } from './half-turn.ts'

/** The steps of a run: those of the warm-up come first. Steps count from 0. */
export type Span = { readonly warmupSteps: number; readonly totalSteps: number }

/** The learning rate at a step after the warm-up, for a run whose `learningRate` is `peak`. */
type Course = (peak: number, step: number, span: Span) => number

const constant: Course = peak => peak

/**
 * A tenth of the peak from half of the run's steps on, a hundredth from three quarters (He et al. 2015, section 4.2).
 */
const inSteps: Course = (peak, step, { totalSteps }) => {
  if (4 * step >= 3 * totalSteps) return peak / 100
  return 2 * step >= totalSteps ? peak / 10 : peak
}

/** Falls along half a cosine that would reach 0 one step after the last (Loshchilov and Hutter 2017, no restarts). */
const cosine: Course = (peak, step, { warmupSteps, totalSteps }) =>
  swing(peak, 0, (step - warmupSteps) / (totalSteps - warmupSteps))

/** The fraction of a one-cycle run's steps in which its learning rate rises. */
const risingPart = 0.3

/**
 * Rises along half a cosine from 1/25 of the peak for 30 % of the steps, then falls along another to 1/250,000 at the
 * last step: "super-convergence" (Smith and Topin 2018) with the numbers of PyTorch's OneCycleLR. There the momentum
 * cycles too; here it is constant. The rise replaces a warm-up: a one-cycle run has none.
 */
const oneCycle: Course = (peak, step, { totalSteps }) => {
  const lowest = peak / 25
  const last = totalSteps - 1
  const top = Math.max(0, risingPart * totalSteps - 1)
  if (step < top) return swing(lowest, peak, step / top)
  return last > top ? swing(peak, lowest / 10_000, (step - top) / (last - top)) : peak
}

export const courses: Readonly<Record<RunConfig['schedule'], Course>> = {
  constant,
  step: inSteps,
  cosine,
  'one-cycle': oneCycle,
}
