import { mix32 } from '@lockstep/protocol'
import { createRandom } from './random.ts'

/**
 * Draws a random 32-bit key for each sample of a shard, from which everything random in its gradient follows (dropout,
 * augmentation). It depends only on seed, epoch and the sample's index, and not on the shard, the worker or the
 * machine. No two samples of an epoch have the same key. Seed and epoch are unsigned 32-bit integers.
 *
 * It applies a mixing function twice, each time after an exclusive or with a word drawn from (seed, epoch).
 */
export function sampleKeys(
  { seed, epoch, indices }: { seed: number; epoch: number; indices: Uint32Array },
  into: Int32Array = new Int32Array(indices.length),
): Int32Array {
  // Epochs are shuffled with the streams from 0 up, and keys use the streams from 2³² − 1 down.
  const random = createRandom(seed, ~epoch >>> 0)
  const [first, second] = [random.nextUint32(), random.nextUint32()]
  for (let i = 0; i < indices.length; i++) into[i] = mix32(mix32(indices[i]! ^ first) ^ second)
  return into
}
