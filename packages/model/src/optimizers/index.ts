import type { RunConfig } from '@lockstep/protocol'
import { createAdam } from './adam.ts'
import type { Optimizer } from './optimizer.ts'
import { createSgd } from './sgd.ts'
import { type DecayLayout, kernelDecay } from './weight-decay.ts'

type OptimizerConfig = Pick<RunConfig, 'optimizer' | 'momentum' | 'weightDecay'>

/** The optimizer that a run's configuration asks for. The layout says which weights decay: the kernels. */
export function createOptimizer(config: OptimizerConfig, layout: DecayLayout): Optimizer {
  const decay = kernelDecay(config.weightDecay, layout)
  return config.optimizer === 'adam' ? createAdam({ decay }) : createSgd({ momentum: config.momentum, decay })
}
