import { mix32 } from '@lockstep/protocol'
import { createRandom } from './random.ts'

/**
 * A random 32-bit key for each sample of a shard, from which all that is random in its gradient is drawn (dropout,
 * augmentation): a function of seed, epoch and the sample's index alone, whatever the shard, the worker and the machine.
 * No two samples of an epoch have the same key. Seed and epoch are unsigned 32-bit integers.
 *
 * Two rounds of a mixing function, each after an exclusive or with a word that (seed, epoch) draws.
 */
export function sampleKeys(options: { seed: number; epoch: number; indices: Uint32Array }): Int32Array {
  // Streams from 0 up shuffle the epochs; keys draw from those from 2³² − 1 down.
  const random = createRandom(options.seed, ~options.epoch >>> 0)
  const [first, second] = [random.nextUint32(), random.nextUint32()]
  return Int32Array.from(options.indices, index => mix32(mix32(index ^ first) ^ second))
}
