import type { Optimizer, OptimizerState } from './optimizer.ts'

/** How a run updates the flat weights of its model. */
export type Updater = {
  readonly optimizer: Optimizer
  /** Number of trainable weights; they come first. */
  readonly trainableSize: number
}

/**
 * Takes a step of a run at this learning rate. The optimizer updates the trainable weights with the mean gradient; the
 * others change by the mean of the shards' changes to them. `update` holds the gradient, then the changes (see
 * `ShardGradient`). Weights and moments are updated in place.
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
