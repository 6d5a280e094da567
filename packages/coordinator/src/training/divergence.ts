import { LockstepError, type RunConfig } from '@lockstep/protocol'
import type { Training } from './setup.ts'

const keptLosses = 5

/** The losses of the last steps, for the message about a divergence. */
export type LossTrail = {
  readonly add: (loss: number) => void
  /** The oldest first. */
  readonly last: () => readonly number[]
}

export function createLossTrail(): LossTrail {
  const losses: number[] = []
  return {
    add: loss => {
      losses.push(loss)
      if (losses.length > keptLosses) losses.shift()
    },
    last: () => [...losses],
  }
}

/** Where a run has produced numbers that are not finite. */
export type Divergence = {
  /** For example `the training loss is NaN`. */
  readonly what: string
  /** The step being taken, or after which it was noticed, counted from 1. */
  readonly step: number
  readonly epoch: number
  /** Of that step. */
  readonly learningRate: number
  readonly losses: readonly number[]
  /** The settings of the learning rate's schedule. */
  readonly config: Pick<RunConfig, 'schedule' | 'warmup'>
}

export function diverged({ what, step, epoch, learningRate, losses, config }: Divergence): LockstepError {
  const before = losses.length === 0 ? '' : `, after losses of ${losses.map(loss => loss.toPrecision(4)).join(', ')}`
  const where = `at step ${step} in epoch ${epoch}, learning rate ${learningRate}`
  return new LockstepError('diverged', `training has diverged ${where}: ${what}${before}`, {
    hint: `Start a new run with a lower --learning-rate${orWarmup(config)}, and look at the data; a resumed run would come to the same step.`,
  })
}

/** The one-cycle schedule has no warm-up setting. */
function orWarmup({ schedule, warmup }: Divergence['config']): string {
  if (schedule === 'one-cycle') return ''
  return warmup > 0 ? ' or a longer --warmup' : ' or a --warmup'
}

/** What the message about a divergence needs to know of a run. */
type Course = Pick<Training, 'config' | 'state' | 'losses' | 'learningRateAt'>

/** The error for a run that diverged at a step, counted from 1: the one being taken, or the last. */
export function divergedAt(
  { config, state, losses, learningRateAt }: Course,
  step: number,
  what: string,
): LockstepError {
  const learningRate = learningRateAt(Math.max(0, step - 1))
  return diverged({ what, step, epoch: state.position.epoch, learningRate, losses: losses.last(), config })
}

/**
 * Turns `not-finite` into `diverged`, which ends the training. `step`, counted from 1, is the one being taken, or the
 * last.
 */
export async function unlessDiverged<T>(run: Course, step: number, result: Promise<T>): Promise<T> {
  return result.catch(error => {
    if (!(error instanceof LockstepError) || error.code !== 'not-finite') throw error
    throw divergedAt(run, step, error.message)
  })
}
