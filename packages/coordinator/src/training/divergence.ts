import { LockstepError, type RunConfig } from '@lockstep/protocol'
import type { Training } from './setup.ts'

const keptLosses = 5

/** The losses of the last steps, for whoever asks how it came to a divergence. */
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

/** Where a run has come to numbers that are none. */
export type Divergence = {
  /** Such as `the training loss is NaN`. */
  readonly what: string
  /** The step that is being taken, or after which it was noticed, from 1. */
  readonly step: number
  readonly epoch: number
  /** Of that step. */
  readonly learningRate: number
  readonly losses: readonly number[]
  /** How the learning rate was to go. */
  readonly config: Pick<RunConfig, 'schedule' | 'warmup'>
}

export function diverged({ what, step, epoch, learningRate, losses, config }: Divergence): LockstepError {
  const before = losses.length === 0 ? '' : `, after losses of ${losses.map(loss => loss.toPrecision(4)).join(', ')}`
  const where = `at step ${step} in epoch ${epoch}, learning rate ${learningRate}`
  return new LockstepError('diverged', `training has diverged ${where}: ${what}${before}`, {
    hint: `Start a new run with a lower --learning-rate${orWarmup(config)}, and look at the data; a resumed run would come to the same step.`,
  })
}

/** The one-cycle schedule takes none. */
function orWarmup({ schedule, warmup }: Divergence['config']): string {
  if (schedule === 'one-cycle') return ''
  return warmup > 0 ? ' or a longer --warmup' : ' or a --warmup'
}

/** What of a run is told of its divergence. */
type Course = Pick<Training, 'config' | 'state' | 'losses' | 'learningRateAt'>

/** That a run has diverged at a step, from 1: the one that is taken or was last. */
export function divergedAt(
  { config, state, losses, learningRateAt }: Course,
  step: number,
  what: string,
): LockstepError {
  const learningRate = learningRateAt(Math.max(0, step - 1))
  return diverged({ what, step, epoch: state.position.epoch, learningRate, losses: losses.last(), config })
}

/** What is not finite, whoever computes it, ends a training. `step`, from 1, is the one that is taken or was last. */
export async function unlessDiverged<T>(run: Course, step: number, result: Promise<T>): Promise<T> {
  return result.catch(error => {
    if (!(error instanceof LockstepError) || error.code !== 'not-finite') throw error
    throw divergedAt(run, step, error.message)
  })
}
