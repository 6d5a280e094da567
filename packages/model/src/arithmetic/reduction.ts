import type { Arithmetic } from './arithmetic.ts'

/** A weighted mean over the shards of a global batch, computed as the shards arrive. */
export type TreeReduction = {
  /**
   * Adds a shard's mean gradient over its `count` samples. Each shard is added once, in any order. The result goes to
   * `target`, by default the vector itself. The reduction owns and overwrites the target until `onSpent` gets it or the
   * reduction is complete. Returns false for a vector that is not sound (see `Arithmetic`) and leaves it out. The mean
   * of sound vectors is finite.
   */
  readonly add: (shard: number, vector: Float32Array, count: number, target?: Float32Array) => boolean
  /** Whether all samples have been added. */
  readonly isComplete: () => boolean
  /**
   * The mean over all samples, in one of the vectors that were added. Shards that were not added count as empty.
   *
   * @throws RangeError if fewer samples than `total` were added, or none at all.
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
 * Computes the mean gradient of a global batch of `total` samples from the means of its shards, weighted by sample
 * count.
 *
 * Each shard is first scaled by count / total and rounded to float32. Then the shards are added in pairs along a fixed
 * binary tree over the shard index; the left subtree has the largest power of two below the number of shards as leaves.
 * The result therefore does not depend on the order in which shards arrive or on which worker computed them. Two
 * siblings are added as soon as both have arrived. Empty shards add nothing. Elements are independent of each other, so
 * reducing slices gives slices of the mean.
 */
export function createTreeReduction(options: {
  readonly arithmetic: Arithmetic
  readonly shards: number
  readonly total: number
  /** Called with each vector after it has been added to another one: with all vectors but the one of the mean. */
  readonly onSpent?: (vector: Float32Array) => void
  /** Called for a vector for the mean. Without one, or if it is null, the mean is in one of the targets. */
  readonly takeMeanVector?: () => Float32Array | null
}): TreeReduction {
  const { arithmetic, shards, total, onSpent, takeMeanVector } = options
  const leaves: Node[] = []
  const root = shards === 0 ? null : plant(shards, null, leaves)
  const added = new Set<Node>()
  let counted = 0

  function add(shard: number, vector: Float32Array, count: number, target = vector): boolean {
    const leaf = leaves[shard]
    if (leaf === undefined) throw new RangeError(`there is no shard ${shard} of ${shards}`)
    if (added.has(leaf)) throw new RangeError(`shard ${shard} was there before`)
    const sibling = siblingOf(leaf)?.sum ?? null
    // Scaling and adding at once saves a pass over the vector.
    const node = sibling === null ? leaf : leaf.parent!
    const sum = sumFor(node, target)
    const factor = count / total
    const isSound =
      sibling === null ? arithmetic.scale(vector, factor, sum) : arithmetic.addScaled(sibling, vector, factor, sum)
    if (!isSound) return false
    added.add(leaf)
    counted += count
    node.sum = sum
    if (sum !== target) onSpent?.(target)
    if (sibling !== null) onSpent?.(sibling)
    climb(node)
    return true
  }

  /** Adds siblings on the way up while both have arrived. */
  function climb(from: Node): void {
    for (let node = from.parent; node !== null; node = node.parent) {
      if (node.left?.sum == null || node.right?.sum == null) return
      node.sum = addUp(node, node.left.sum, node.right.sum)
    }
  }

  function sumFor(node: Node, otherwise: Float32Array): Float32Array {
    return (node === root ? takeMeanVector?.() : null) ?? otherwise
  }

  /** Adds the remaining sums where a sibling is empty. */
  function gather(node: Node | null): Float32Array | null {
    if (node === null || node.sum !== null) return node?.sum ?? null
    const [left, right] = [gather(node.left), gather(node.right)]
    node.sum = left !== null && right !== null ? addUp(node, left, right) : (left ?? right)
    return node.sum
  }

  function addUp(node: Node, left: Float32Array, right: Float32Array): Float32Array {
    const sum = sumFor(node, left)
    arithmetic.addInto(left, right, sum)
    onSpent?.(right)
    if (sum !== left) onSpent?.(left)
    return sum
  }

  function result(): Float32Array {
    if (counted !== total) throw new RangeError(`${counted} of the ${total} samples of a global batch are there`)
    const mean = gather(root)
    if (mean === null) throw new RangeError('a global batch has no samples')
    return mean
  }

  return { add, isComplete: () => counted === total, result }
}

function siblingOf(node: Node): Node | null {
  const { parent } = node
  if (parent === null) return null
  return parent.left === node ? parent.right : parent.left
}

/** Builds the tree over this many shards and appends its leaves to `leaves` in shard order. */
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
