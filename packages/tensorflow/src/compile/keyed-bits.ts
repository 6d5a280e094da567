import * as tf from '@tensorflow/tfjs'
import type { TfjsNodeBackend } from './tfjs-node-backend.ts'

/**
 * The kernel `KeyedBits`, the source of all randomness in a gradient, made of TensorFlow's integer operations: keys
 * int32 [n] and offsets int32 [size] give int32 [n, size], `hash(key ^ offset) & mask`. The hash is lowbias32
 * (https://github.com/skeeto/hash-prospector) without its last step. Products wrap around as in C. Right shifts copy
 * the sign bit, so the bits shifted in are masked.
 */
export const keyedBits: tf.KernelConfig = {
  kernelName: 'KeyedBits',
  backendName: 'tensorflow',
  kernelFunc: ({ inputs, attrs, backend }) => {
    const { keys, offsets } = inputs as { readonly keys: tf.Tensor1D; readonly offsets: tf.Tensor1D }
    const apply = createApply(backend as TfjsNodeBackend)
    const xorWithShifted = (x: tf.Tensor, bits: number) =>
      apply('BitwiseXor', x, apply('BitwiseAnd', apply('RightShift', x, bits), 2 ** (32 - bits) - 1))
    return tf.tidy(() => {
      let x = apply('BitwiseXor', tf.reshape(keys, [-1, 1]), offsets)
      x = apply('Mul', xorWithShifted(x, 16), 0x7feb352d)
      x = apply('Mul', xorWithShifted(x, 15), 0x846ca68b | 0)
      const mask = attrs!.mask as number
      return mask === -1 ? x : apply('BitwiseAnd', x, mask)
    })
  },
}

/** Creates a function that executes a binary operation on int32 tensors. */
function createApply(backend: TfjsNodeBackend) {
  const attributes = [{ name: 'T', type: backend.binding.TF_ATTR_TYPE!, value: backend.binding.TF_INT32! }]
  return (op: string, a: tf.Tensor, b: tf.Tensor | number): tf.Tensor =>
    backend.executeSingleOutput(op, attributes, [a, typeof b === 'number' ? tf.scalar(b, 'int32') : b])
}
