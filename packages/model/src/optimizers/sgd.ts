import { checkSizes, type Optimizer, type OptimizerState, zeroMoments } from './optimizer.ts'
import { noDecay, type Stretch, stretchesOf, type WeightDecay } from './weight-decay.ts'

export type SgdOptions = {
  /** In [0, 1); 0 is plain gradient descent and keeps no moment. */
  readonly momentum?: number
  /** Makes it SGDW. */
  readonly decay?: WeightDecay
}

/**
 * Stochastic gradient descent with momentum (Polyak 1964), as Keras computes it. Weights that decay do so apart from
 * the gradient and the momentum (SGDW, Loshchilov and Hutter 2019); for the others λ is 0.
 *
 *     m ← μ · m − η · g
 *     w ← w · (1 − η · λ) + m
 *
 * and without momentum w ← w · (1 − η · λ) − η · g. Each element is computed in float64 and rounded once when it is
 * stored as float32. `moments` is [m], or empty without momentum; `powers` is empty.
 */
export function createSgd({ momentum = 0, decay = noDecay }: SgdOptions = {}): Optimizer {
  const shape = { name: 'sgd', momentCount: momentum > 0 ? 1 : 0 }

  function apply(
    weights: Float32Array,
    gradient: Float32Array,
    state: OptimizerState,
    learningRate: number,
  ): OptimizerState {
    checkSizes(shape, weights, gradient, state)
    const moment = state.moments[0]
    for (const stretch of stretchesOf(weights.length, decay, learningRate)) {
      if (moment) descendWithMomentum(weights, gradient, moment, learningRate, momentum, stretch)
      else descend(weights, gradient, learningRate, stretch)
    }
    return { ...state, step: state.step + 1 }
  }

  return {
    ...shape,
    initialState: size => ({ step: 0, moments: zeroMoments(shape.momentCount, size), powers: [] }),
    apply,
  }
}

function descend(
  weights: Float32Array,
  gradient: Float32Array,
  learningRate: number,
  { start, end, keep }: Stretch,
): void {
  for (let i = start; i < end; i++) weights[i] = weights[i]! * keep - learningRate * gradient[i]!
}

function descendWithMomentum(
  weights: Float32Array,
  gradient: Float32Array,
  moment: Float32Array,
  learningRate: number,
  momentum: number,
  { start, end, keep }: Stretch,
): void {
  for (let i = start; i < end; i++) {
    const m = momentum * moment[i]! - learningRate * gradient[i]!
    moment[i] = m
    weights[i] = weights[i]! * keep + m
  }
}
