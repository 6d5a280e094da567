import type { Optimizer, OptimizerState } from './optimizer.ts'

/** How a run moves the flat weights of its model. */
export type Updater = {
  readonly optimizer: Optimizer
  /** How many of the weights, from the first on, are trained. */
  readonly trainableSize: number
}

/**
 * Takes a step of a run at this learning rate: the optimizer moves the trainable weights along the mean gradient; the
 * others are moved by the mean change that the shards have made to them. `update` holds the one and then the other (see `ShardGradient`).
 * Weights and moments are updated in place.
 *
 * @throws LockstepError `optimizer-size`.
 */
export function applyUpdate(
  { optimizer, trainableSize }: Updater,
  weights: Float32Array,
  update: Float32Array,
  state: OptimizerState,
  learningRate: number,
): OptimizerState {
  const [trained, gradient] = [weights.subarray(0, trainableSize), update.subarray(0, trainableSize)]
  const next = optimizer.apply(trained, gradient, state, learningRate)
  for (let i = trainableSize; i < weights.length; i++) weights[i] = weights[i]! + update[i]!
  return next
}
