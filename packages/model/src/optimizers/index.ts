import type { RunConfig } from '@lockstep/protocol'
import { createAdam } from './adam.ts'
import type { Optimizer } from './optimizer.ts'
import { createSgd } from './sgd.ts'

type OptimizerConfig = Pick<RunConfig, 'optimizer' | 'learningRate' | 'momentum'>

const optimizers: Readonly<Record<RunConfig['optimizer'], (config: OptimizerConfig) => Optimizer>> = {
  adam: createAdam,
  sgd: createSgd,
}

/** The optimizer that a run's configuration asks for. */
export function createOptimizer(config: OptimizerConfig): Optimizer {
  return optimizers[config.optimizer](config)
}
