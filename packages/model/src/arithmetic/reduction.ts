import type { Arithmetic } from './arithmetic.ts'

/** The weighted mean of the shards of a global batch, in the making. */
export type TreeReduction = {
  /**
   * Takes the mean over the `count` samples of a shard; each shard once, in any order. Works in place: the vector
   * is overwritten, now or later, and belongs to the reduction until it is spent or the reduction done. False for a vector
   * that is not sound (see `Arithmetic`), which is not taken: of those that are, the mean is finite.
   */
  readonly add: (shard: number, vector: Float32Array, count: number) => boolean
  /** Whether all samples are there. */
  readonly isComplete: () => boolean
  /**
   * The mean over all samples: one of the vectors that were added. Shards that were not are empty.
   *
   * @throws RangeError if there are fewer samples than there should be, or none at all.
   */
  readonly result: () => Float32Array
}

type Node = {
  readonly parent: Node | null
  left: Node | null
  right: Node | null
  sum: Float32Array | null
}

/**
 * The mean gradient of a global batch of `total` samples from the means of its shards, weighted by sample count.
 *
 * Every shard is first scaled by count / total, rounded to float32; then the shards are added in pairs along a fixed
 * binary tree over the shard index, whose left half is the largest power of two below the number of shards. The result
 * therefore depends neither on the order in which shards arrive nor on who computed them. Two neighbours are added as
 * soon as both are there. Empty shards add nothing. Each element is computed for itself, so slices give slices of the mean.
 */
export function createTreeReduction(options: {
  readonly arithmetic: Arithmetic
  readonly shards: number
  readonly total: number
  /** Gets each vector that has been added to another one, as soon as it has: one for each shard but the last. */
  readonly onSpent?: (vector: Float32Array) => void
}): TreeReduction {
  const { arithmetic, shards, total, onSpent } = options
  const leaves: Node[] = []
  const root = shards === 0 ? null : plant(shards, null, leaves)
  let counted = 0

  function add(shard: number, vector: Float32Array, count: number): boolean {
    const leaf = leaves[shard]
    if (leaf === undefined) throw new RangeError(`there is no shard ${shard} of ${shards}`)
    if (leaf.sum !== null) throw new RangeError(`shard ${shard} was there before`)
    if (!arithmetic.scale(vector, count / total)) return false
    counted += count
    leaf.sum = vector
    climb(leaf)
    return true
  }

  /** Adds up as far as both neighbours are there. */
  function climb(from: Node): void {
    for (let node = from.parent; node !== null; node = node.parent) {
      if (node.left?.sum == null || node.right?.sum == null) return
      node.sum = addUp(node.left.sum, node.right.sum)
    }
  }

  /** Adds up what is left where neighbours are empty. */
  function gather(node: Node | null): Float32Array | null {
    if (node === null || node.sum !== null) return node?.sum ?? null
    const [left, right] = [gather(node.left), gather(node.right)]
    node.sum = left !== null && right !== null ? addUp(left, right) : (left ?? right)
    return node.sum
  }

  function addUp(left: Float32Array, right: Float32Array): Float32Array {
    arithmetic.addInto(left, right)
    onSpent?.(right)
    return left
  }

  function result(): Float32Array {
    if (counted !== total) throw new RangeError(`${counted} of the ${total} samples of a global batch are there`)
    const mean = gather(root)
    if (mean === null) throw new RangeError('a global batch has no samples')
    return mean
  }

  return { add, isComplete: () => counted === total, result }
}

/** The tree over this many shards; its leaves are appended to `leaves` in their order. */
function plant(shards: number, parent: Node | null, leaves: Node[]): Node {
  const node: Node = { parent, left: null, right: null, sum: null }
  if (shards === 1) {
    leaves.push(node)
    return node
  }
  const half = largestPowerOfTwoBelow(shards)
  node.left = plant(half, node, leaves)
  node.right = plant(shards - half, node, leaves)
  return node
}

/** For n ≥ 2 the largest power of two that is smaller than n. */
function largestPowerOfTwoBelow(n: number): number {
  return 2 ** (31 - Math.clz32(n - 1))
}
