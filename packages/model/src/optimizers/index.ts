import type { RunConfig } from '@lockstep/protocol'
import type { Arithmetic } from '../arithmetic/arithmetic.ts'
import { createAdam } from './adam.ts'
import type { Optimizer } from './optimizer.ts'
import { createSgd } from './sgd.ts'
import { type DecayLayout, kernelDecay } from './weight-decay.ts'

type OptimizerConfig = Pick<RunConfig, 'optimizer' | 'momentum' | 'weightDecay'>

/**
 * The optimizer that a run's configuration asks for. The layout says which weights decay: the kernels. The arithmetic,
 * plain by default, makes no difference to the result; it also allocates the moments of the initial state.
 */
export function createOptimizer(config: OptimizerConfig, layout: DecayLayout, arithmetic?: Arithmetic): Optimizer {
  const decay = kernelDecay(config.weightDecay, layout)
  const options = arithmetic === undefined ? { decay } : { decay, arithmetic }
  return config.optimizer === 'adam' ? createAdam(options) : createSgd({ momentum: config.momentum, ...options })
}
