/** Vectors of one size that are used again: what a step needs is allocated in the first one. */
export type VectorPool = {
  readonly take: () => Float32Array
  /** Its elements stay as they are until it is taken again. */
  readonly giveBack: (vector: Float32Array) => void
}

export function createVectorPool(size: number, allocate: (elements: number) => Float32Array): VectorPool {
  const free: Float32Array[] = []
  return { take: () => free.pop() ?? allocate(size), giveBack: vector => void free.push(vector) }
}
