import { checkSizes, type Optimizer, type OptimizerState, zeroMoments } from './optimizer.ts'

export type SgdOptions = {
  readonly learningRate: number
  /** In [0, 1); 0 is plain gradient descent and keeps no moment. */
  readonly momentum?: number
}

/**
 * Stochastic gradient descent with momentum (Polyak 1964), as Keras computes it:
 *
 *     m ← μ · m − η · g
 *     w ← w + m
 *
 * and without momentum w ← w − η · g. Each element is computed in float64 and rounded once when it is stored as
 * float32. `moments` is [m], or empty without momentum; `powers` is empty.
 */
export function createSgd({ learningRate, momentum = 0 }: SgdOptions): Optimizer {
  const shape = { name: 'sgd', momentCount: momentum > 0 ? 1 : 0 }

  function apply(weights: Float32Array, gradient: Float32Array, state: OptimizerState): OptimizerState {
    checkSizes(shape, weights, gradient, state)
    const moment = state.moments[0]
    if (moment) descendWithMomentum(weights, gradient, moment, learningRate, momentum)
    else descend(weights, gradient, learningRate)
    return { ...state, step: state.step + 1 }
  }

  return {
    ...shape,
    initialState: size => ({ step: 0, moments: zeroMoments(shape.momentCount, size), powers: [] }),
    apply,
  }
}

function descend(weights: Float32Array, gradient: Float32Array, learningRate: number): void {
  for (let i = 0; i < weights.length; i++) weights[i] = weights[i]! - learningRate * gradient[i]!
}

function descendWithMomentum(
  weights: Float32Array,
  gradient: Float32Array,
  moment: Float32Array,
  learningRate: number,
  momentum: number,
): void {
  for (let i = 0; i < weights.length; i++) {
    const m = momentum * moment[i]! - learningRate * gradient[i]!
    moment[i] = m
    weights[i] = weights[i]! + m
  }
}
