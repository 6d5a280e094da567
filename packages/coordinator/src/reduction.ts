import { createTreeReduction, plainArithmetic } from '@lockstep/model/arithmetic'

/** The gradient of one shard: the mean over its samples, and how many they were. */
export type WeightedGradient = { readonly gradient: Float32Array; readonly count: number }

/**
 * The mean gradient of a global batch from the means of its shards, of which empty ones are null; see
 * `createTreeReduction`. Works in place: the gradients passed in are overwritten, and one of them is returned.
 */
export function reduceGradients(shards: readonly (WeightedGradient | null)[]): Float32Array {
  const total = shards.reduce((sum, shard) => sum + (shard?.count ?? 0), 0)
  const reduction = createTreeReduction({ arithmetic: plainArithmetic, shards: shards.length, total })
  shards.forEach((shard, index) => {
    if (shard !== null) reduction.add(index, shard.gradient, shard.count)
  })
  return reduction.result()
}
