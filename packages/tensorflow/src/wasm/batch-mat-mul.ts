import * as tf from '@tensorflow/tfjs'

type Attributes = { readonly transposeA: boolean; readonly transposeB: boolean }

/**
 * Matrix products that transpose their operands first: the backend multiplies plain matrices with XNNPACK, but
 * transposed ones in plain loops.
 */
export function batchMatMul(): tf.KernelConfig {
  const original = tf.getKernel('BatchMatMul', 'wasm')
  return {
    ...original,
    kernelFunc: call => {
      const { transposeA, transposeB } = call.attrs as unknown as Attributes
      if (!transposeA && !transposeB) return original.kernelFunc(call)
      return tf.tidy(() => {
        const a = call.inputs.a as tf.Tensor
        const b = call.inputs.b as tf.Tensor
        return tf.matMul(transposeA ? swapped(a) : a, transposeB ? swapped(b) : b)
      })
    },
  }
}

function swapped(matrices: tf.Tensor): tf.Tensor {
  const rank = matrices.shape.length
  const axes = [...matrices.shape.keys()]
  return tf.transpose(matrices, [...axes.slice(0, -2), rank - 1, rank - 2])
}
