import { mix32 } from '@lockstep/protocol'
import { tf } from '../tfjs.ts'
import { registerKeyedBits } from './keyed-bits-kernel.ts'

registerKeyedBits()

/**
 * Random bits that are a function of the key of a sample, a stream and the place in the sample alone: the same on every
 * backend, for every number of samples and in every order. int32 [n, …shape] from keys int32 [n].
 *
 * Element j of sample i is a hash of key i xor offset j, where the offset is a hash of j and of the stream, a 32-bit
 * integer. With few bits only the highest `bits` are drawn and the others are 0. Two streams, or two samples, have
 * nothing in common but what chance brings.
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
