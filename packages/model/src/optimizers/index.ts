import type { RunConfig } from '@lockstep/protocol'
import type { Arithmetic } from '../arithmetic/arithmetic.ts'
import { createAdam } from './adam.ts'
import type { Optimizer } from './optimizer.ts'
import { createSgd } from './sgd.ts'
import { type DecayLayout, kernelDecay } from './weight-decay.ts'

type OptimizerConfig = Pick<RunConfig, 'optimizer' | 'momentum' | 'weightDecay'>

/**
 * Creates the optimizer of a run's configuration. Weight decay applies to the kernels, which the layout identifies. The
 * arithmetic, by default the plain one, does not affect the result; it also allocates the moments of the initial state.
 */
export function createOptimizer(config: OptimizerConfig, layout: DecayLayout, arithmetic?: Arithmetic): Optimizer {
  const decay = kernelDecay(config.weightDecay, layout)
  const options = arithmetic === undefined ? { decay } : { decay, arithmetic }
  return config.optimizer === 'adam' ? createAdam(options) : createSgd({ momentum: config.momentum, ...options })
}
