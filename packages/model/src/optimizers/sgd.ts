import type { Arithmetic } from '../arithmetic/arithmetic.ts'
import { plainArithmetic } from '../arithmetic/plain.ts'
import { checkSizes, type Optimizer, type OptimizerState, zeroMoments } from './optimizer.ts'
import { noDecay, stretchesOf, type WeightDecay } from './weight-decay.ts'

export type SgdOptions = {
  /** In [0, 1); 0 is plain gradient descent without a moment. */
  readonly momentum?: number
  /** Makes it SGDW. */
  readonly decay?: WeightDecay
  /** The implementation; every kind gives the same bits. */
  readonly arithmetic?: Arithmetic
}

/**
 * Stochastic gradient descent with momentum (Polyak 1964), as Keras computes it. Weight decay is decoupled from the
 * gradient and the momentum (SGDW, Loshchilov and Hutter 2019); for weights that do not decay λ is 0.
 *
 *     m ← μ · m − η · g
 *     w ← w · (1 − η · λ) + m
 *
 * Without momentum, w ← w · (1 − η · λ) − η · g. Each element is computed in float64 and rounded once when it is stored
 * as float32. `moments` is [m], or empty without momentum; `powers` is empty.
 */
export function createSgd(options: SgdOptions = {}): Optimizer {
  const { momentum = 0, decay = noDecay, arithmetic = plainArithmetic } = options
  const shape = { name: 'sgd', momentCount: momentum > 0 ? 1 : 0 }

  function apply(
    weights: Float32Array,
    gradient: Float32Array,
    state: OptimizerState,
    learningRate: number,
  ): OptimizerState {
    checkSizes(shape, weights, gradient, state)
    const moment = state.moments[0] ?? null
    const factors = { learningRate, momentum }
    for (const stretch of stretchesOf(weights.length, decay, learningRate)) {
      arithmetic.sgd(weights, gradient, moment, factors, stretch)
    }
    return { ...state, step: state.step + 1 }
  }

  return {
    ...shape,
    initialState: size => ({ step: 0, moments: zeroMoments(arithmetic, shape.momentCount, size), powers: [] }),
    apply,
  }
}
