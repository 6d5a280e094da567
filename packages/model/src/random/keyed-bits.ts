import { mix32 } from '@lockstep/protocol'
import { tf } from '../tfjs.ts'
import { registerKeyedBits } from './keyed-bits-kernel.ts'

registerKeyedBits()

/**
 * Random bits int32 [n, …shape] from keys int32 [n]. They depend only on a sample's key, the stream and the position in
 * the sample: they are the same on every backend, for any number of samples and in any order.
 *
 * Element j of sample i is a hash of key i xor offset j; the offset is a hash of j and of the stream, a 32-bit integer.
 * Only the highest `bits` bits are drawn, and the others are 0. The bits of different streams or samples are
 * statistically independent.
 */
export function keyedBits(keys: tf.Tensor1D, stream: number, shape: readonly number[], bits: 24 | 32): tf.Tensor {
  const size = tf.util.sizeFromShape([...shape])
  const offsets = tf.tensor1d(streamOffsets(stream, size), 'int32')
  const drawn: tf.Tensor = tf.engine().runKernel('KeyedBits', { keys, offsets }, { mask: -1 << (32 - bits) })
  return tf.reshape(drawn, [keys.shape[0], ...shape])
}

function streamOffsets(stream: number, size: number): Int32Array {
  const start = mix32(stream)
  return Int32Array.from({ length: size }, (_, place) => mix32(mix32(place) ^ start))
}
