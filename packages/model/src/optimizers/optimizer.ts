import { LockstepError } from '@lockstep/protocol'
import type { Arithmetic } from '../arithmetic/arithmetic.ts'

/** The state of an optimizer between steps. */
export type OptimizerState = {
  /** Steps taken so far. */
  readonly step: number
  /** Vectors with an element for each trainable weight. */
  readonly moments: readonly Float32Array[]
  /** Running powers of the decay rates, float64. Each step multiplies them, because `Math.pow` differs by machine. */
  readonly powers: readonly number[]
}

/** An optimizer's step over flat vectors. It depends only on its arguments and gives the same bits on every CPU. */
export type Optimizer = {
  readonly name: string
  readonly momentCount: number
  /** The state before the first step, for a weight vector of `size` elements. */
  readonly initialState: (size: number) => OptimizerState
  /**
   * Takes one step at this learning rate: updates `weights` and the moments in place and returns the new state. It does
   * not change the gradient.
   *
   * @throws LockstepError `optimizer-size` if weights, gradient and moments differ in length.
   */
  readonly apply: (
    weights: Float32Array,
    gradient: Float32Array,
    state: OptimizerState,
    learningRate: number,
  ) => OptimizerState
}

export function zeroMoments(arithmetic: Arithmetic, count: number, size: number): Float32Array[] {
  return Array.from({ length: count }, () => arithmetic.allocate(size))
}

/** @throws LockstepError `optimizer-size` if weights, gradient and moments differ in length. */
export function checkSizes(
  optimizer: Pick<Optimizer, 'name' | 'momentCount'>,
  weights: Float32Array,
  gradient: Float32Array,
  state: OptimizerState,
): void {
  const fits = [gradient, ...state.moments].every(vector => vector.length === weights.length)
  if (fits && state.moments.length === optimizer.momentCount) return
  throw new LockstepError('optimizer-size', `weights, gradient and moments do not fit together for ${optimizer.name}`, {
    expected: `gradient and ${optimizer.momentCount} moments of ${weights.length} elements`,
    received: `gradient of ${gradient.length} and moments of [${state.moments.map(moment => moment.length).join(', ')}]`,
  })
}
