import { LockstepError } from '@lockstep/protocol'
import type { Arithmetic } from '../arithmetic/arithmetic.ts'

/** All that an optimizer remembers between steps. */
export type OptimizerState = {
  /** Steps taken so far. */
  readonly step: number
  /** Vectors by parameter position, each as long as the weights. */
  readonly moments: readonly Float32Array[]
  /** Running powers of the decay rates, float64: multiplied on, because `Math.pow` differs between machines. */
  readonly powers: readonly number[]
}

/** A step of gradient descent as a pure function over flat vectors, which gives the same bits on every CPU. */
export type Optimizer = {
  readonly name: string
  readonly momentCount: number
  /** The state before the first step, for a weight vector of `size` elements. */
  readonly initialState: (size: number) => OptimizerState
  /**
   * Takes one step at this learning rate: updates `weights` and the moments in place and returns the state after it.
   * The gradient is left as it is.
   *
   * @throws LockstepError `optimizer-size` if weights, gradient and moments are not of one length.
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

/** @throws LockstepError `optimizer-size` if weights, gradient and moments are not of one length. */
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
