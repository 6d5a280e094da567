import type { Arithmetic } from '../arithmetic/arithmetic.ts'
import { plainArithmetic } from '../arithmetic/plain.ts'
import { checkSizes, type Optimizer, type OptimizerState, zeroMoments } from './optimizer.ts'
import { noDecay, stretchesOf, type WeightDecay } from './weight-decay.ts'

export type AdamOptions = {
  readonly beta1?: number
  readonly beta2?: number
  readonly epsilon?: number
  /** Makes it AdamW. */
  readonly decay?: WeightDecay
  /** The implementation; every kind gives the same bits. */
  readonly arithmetic?: Arithmetic
}

/**
 * Adam (Kingma and Ba 2015), as Keras computes it: the bias corrections are part of the step size α, so ε is added to
 * the uncorrected √v (the paper's "ε hat"). Weight decay is decoupled from the gradient and scaled by the learning rate
 * η (AdamW, Loshchilov and Hutter 2019), in PyTorch's order of operations; for weights that do not decay λ is 0.
 *
 *     α = η · √(1 − β₂ᵗ) / (1 − β₁ᵗ)
 *     m ← m + (g − m) · (1 − β₁)
 *     v ← v + (g² − v) · (1 − β₂)
 *     w ← w · (1 − η · λ) − m · α / (√v + ε)
 *
 * All elements are float32, and each operation is rounded. A moment smaller than 2⁻¹⁰⁰ becomes zero.
 * `moments` is [m, v], `powers` is [β₁ᵗ, β₂ᵗ].
 */
export function createAdam(options: AdamOptions = {}): Optimizer {
  const { beta1 = 0.9, beta2 = 0.999, epsilon = 1e-7, decay = noDecay, arithmetic = plainArithmetic } = options
  const shape = { name: 'adam', momentCount: 2 }

  function apply(
    weights: Float32Array,
    gradient: Float32Array,
    state: OptimizerState,
    learningRate: number,
  ): OptimizerState {
    checkSizes(shape, weights, gradient, state)
    const [firstMoment, secondMoment] = state.moments as [Float32Array, Float32Array]
    const [previousPower1, previousPower2] = state.powers as [number, number]
    const power1 = previousPower1 * beta1
    const power2 = previousPower2 * beta2
    const alpha = (learningRate * Math.sqrt(1 - power2)) / (1 - power1)
    const factors = { alpha, epsilon, gain1: 1 - beta1, gain2: 1 - beta2 }
    for (const stretch of stretchesOf(weights.length, decay, learningRate)) {
      arithmetic.adam(weights, gradient, firstMoment, secondMoment, factors, stretch)
    }
    return { step: state.step + 1, moments: state.moments, powers: [power1, power2] }
  }

  return {
    ...shape,
    initialState: size => ({ step: 0, moments: zeroMoments(arithmetic, shape.momentCount, size), powers: [1, 1] }),
    apply,
  }
}
