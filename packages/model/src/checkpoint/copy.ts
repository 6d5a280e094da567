import type { Checkpoint } from './checkpoint.ts'

/**
 * Creates a function that copies a checkpoint for a thread that writes it later, with its tensors in shared memory. All
 * copies use the same memory, so a copy is valid until the next one. Allocating this much for each copy would cost page
 * faults and make V8 collect garbage.
 */
export function createCheckpointCopier(): (checkpoint: Checkpoint) => Checkpoint {
  let kept: Float32Array = new Float32Array(0)

  return ({ weights, optimizer, ...rest }) => {
    const { moments, ...optimizerFacts } = optimizer
    const tensors = [weights, ...moments]
    const elements = tensors.reduce((sum, { length }) => sum + length, 0)
    if (kept.length !== elements) {
      kept = new Float32Array(new SharedArrayBuffer(elements * Float32Array.BYTES_PER_ELEMENT))
    }
    let start = 0
    const copies = tensors.map(tensor => {
      const copy = kept.subarray(start, start + tensor.length)
      copy.set(tensor)
      start += tensor.length
      return copy
    })
    const facts = structuredClone({ ...rest, optimizer: optimizerFacts })
    return { ...facts, optimizer: { ...facts.optimizer, moments: copies.slice(1) }, weights: copies[0]! }
  }
}
