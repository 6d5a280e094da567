/** Vectors of one size that are used again: what a step needs is allocated in the first one. */
export type VectorPool<V = Float32Array> = {
  readonly take: () => V
  /** Its elements stay as they are until it is taken again. */
  readonly giveBack: (vector: V) => void
}

/** @param mostFree - of those that are given back no more are kept */
export function createVectorPool<V>(allocate: () => V, mostFree = Number.POSITIVE_INFINITY): VectorPool<V> {
  const free: V[] = []
  return {
    take: () => free.pop() ?? allocate(),
    giveBack: vector => {
      if (free.length < mostFree) free.push(vector)
    },
  }
}
