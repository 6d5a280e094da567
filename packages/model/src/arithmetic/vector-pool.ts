/** Reuses vectors of one size, so that only the first step allocates. */
export type VectorPool<V = Float32Array> = {
  readonly take: () => V
  /** The elements keep their values until the vector is taken again. */
  readonly giveBack: (vector: V) => void
}

/** @param mostFree - the most free vectors that the pool keeps; it drops any others that are given back */
export function createVectorPool<V>(allocate: () => V, mostFree = Number.POSITIVE_INFINITY): VectorPool<V> {
  const free: V[] = []
  return {
    take: () => free.pop() ?? allocate(),
    giveBack: vector => {
      if (free.length < mostFree) free.push(vector)
    },
  }
}
