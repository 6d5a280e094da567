import type { Checkpoint } from './checkpoint.ts'

/**
 * Copies one checkpoint after another, for a thread that takes its time with it: the tensors into memory that threads share.
 * It is the same for all copies, each valid until the next is made: new memory of this size each time would be new pages,
 * and have V8 collect garbage.
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
