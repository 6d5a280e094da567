import { checkSizes, type Optimizer, type OptimizerState, zeroMoments } from './optimizer.ts'

export type AdamOptions = {
  readonly learningRate: number
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
}

/**
 * Adam (Kingma and Ba 2015), as Keras computes it: the bias corrections go into the step size α, so that ε is added
 * to the uncorrected √v (the paper's "ε hat").
 *
 *     α = η · √(1 − β₂ᵗ) / (1 − β₁ᵗ)
 *     m ← m + (g − m) · (1 − β₁)
 *     v ← v + (g² − v) · (1 − β₂)
 *     w ← w − m · α / (√v + ε)
 *
 * Each element is computed in float64 and rounded once when it is stored as float32.
 * `moments` is [m, v], `powers` is [β₁ᵗ, β₂ᵗ].
 */
export function createAdam(options: AdamOptions): Optimizer {
  const { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7 } = options
  const shape = { name: 'adam', momentCount: 2 }

  function apply(weights: Float32Array, gradient: Float32Array, state: OptimizerState): OptimizerState {
    checkSizes(shape, weights, gradient, state)
    const [firstMoment, secondMoment] = state.moments as [Float32Array, Float32Array]
    const [previousPower1, previousPower2] = state.powers as [number, number]
    const power1 = previousPower1 * beta1
    const power2 = previousPower2 * beta2
    const alpha = (learningRate * Math.sqrt(1 - power2)) / (1 - power1)
    const gain1 = 1 - beta1
    const gain2 = 1 - beta2
    for (let i = 0; i < weights.length; i++) {
      const g = gradient[i]!
      const m = firstMoment[i]! + (g - firstMoment[i]!) * gain1
      const v = secondMoment[i]! + (g * g - secondMoment[i]!) * gain2
      firstMoment[i] = m
      secondMoment[i] = v
      weights[i] = weights[i]! - (m * alpha) / (Math.sqrt(v) + epsilon)
    }
    return { step: state.step + 1, moments: state.moments, powers: [power1, power2] }
  }

  return {
    ...shape,
    initialState: size => ({ step: 0, moments: zeroMoments(shape.momentCount, size), powers: [1, 1] }),
    apply,
  }
}
