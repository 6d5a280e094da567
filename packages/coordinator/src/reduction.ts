/** The gradient of one shard: the mean over its samples, and how many they were. */
export type WeightedGradient = { readonly gradient: Float32Array; readonly count: number }

/**
 * The mean gradient of a global batch from the means of its shards, weighted by sample count.
 *
 * Every shard is first scaled by count / total in float32; then the shards are added in pairs along a fixed binary tree
 * over the shard index, whose left half is the largest power of two below the number of shards. The result therefore
 * depends neither on the order in which shards arrived nor on who computed them. Empty shards are null and add nothing.
 *
 * Works in place: the gradients passed in are overwritten, and one of them is returned.
 */
export function reduceGradients(shards: readonly (WeightedGradient | null)[]): Float32Array {
  const total = shards.reduce((sum, shard) => sum + (shard?.count ?? 0), 0)
  for (const shard of shards) {
    if (shard !== null && shard.count !== total) scale(shard.gradient, shard.count / total)
  }
  const mean = addTree(shards.map(shard => shard?.gradient ?? null))
  if (mean === null) throw new RangeError('a global batch has no samples')
  return mean
}

function addTree(shards: readonly (Float32Array | null)[]): Float32Array | null {
  if (shards.length <= 1) return shards[0] ?? null
  const half = largestPowerOfTwoBelow(shards.length)
  const left = addTree(shards.slice(0, half))
  const right = addTree(shards.slice(half))
  if (left === null || right === null) return left ?? right
  addInto(left, right)
  return left
}

function scale(gradient: Float32Array, factor: number): void {
  for (let i = 0; i < gradient.length; i++) gradient[i] = gradient[i]! * factor
}

function addInto(sum: Float32Array, addend: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + addend[i]!
}

/** For n ≥ 2 the largest power of two that is smaller than n. */
function largestPowerOfTwoBelow(n: number): number {
  return 2 ** (31 - Math.clz32(n - 1))
}
