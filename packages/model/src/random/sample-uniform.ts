import { tf } from '../tfjs.ts'
import { keyedBits } from './keyed-bits.ts'

/**
 * Random numbers in [0, 1) with 24 bits: float32 [n, …shape] from keys int32 [n]. They depend only on a sample's key,
 * the stream (a 32-bit integer) and the position in the sample, and are the same to the bit on every backend.
 */
export function sampleUniform(keys: tf.Tensor1D, stream: number, shape: readonly number[]): tf.Tensor {
  // Signed numbers with 24 significant bits: each operation is exact.
  const signed = tf.cast(keyedBits(keys, stream, shape, 24), 'float32')
  return tf.add(tf.mul(signed, 2 ** -32), 0.5)
}

/**
 * True with the given probability, independently for each element: bool [n, …shape] from keys int32 [n]. It depends
 * only on a sample's key, the stream and the position in the sample.
 */
export function sampleChance(
  keys: tf.Tensor1D,
  stream: number,
  shape: readonly number[],
  probability: number,
): tf.Tensor {
  // As integers, the bits are uniform over −2³¹ … 2³¹ − 1.
  const bound = Math.round(probability * 2 ** 32) - 2 ** 31
  const bits = keyedBits(keys, stream, shape, 32)
  return tf.less(bits, tf.scalar(Math.min(bound, 2 ** 31 - 1), 'int32'))
}
