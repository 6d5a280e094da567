import * as tf from '@tensorflow/tfjs'

const kernelName = 'Conv2DBackpropFilter'
const backendName = 'tensorflow'
/** As begin and end masks: the slice covers every axis entirely. */
const everyAxis = 0b1111

/**
 * Replaces tfjs-node's kernel. For a strided 1×1 filter the new one first slices the pixels that the filter has seen
 * out of `x`. oneDNN 3.7 does the same internally, but writes beyond its memory on CPUs without AVX-512.
 */
export function replaceStridedFilterGradient(): void {
  const { kernelFunc } = tf.getKernel(kernelName, backendName)
  tf.unregisterKernel(kernelName, backendName)
  tf.registerKernel({ kernelName, backendName, kernelFunc: args => differentiate(args, kernelFunc) })
}

type Arguments = Parameters<tf.KernelFunc>[0]

function differentiate(args: Arguments, kernelFunc: tf.KernelFunc): tf.TensorInfo | tf.TensorInfo[] {
  const { inputs, attrs } = args
  const { strides, filterShape, dataFormat } = attrs as unknown as tf.Conv2DBackpropFilterAttrs
  const [vertical, horizontal] = typeof strides === 'number' ? [strides, strides] : strides
  if (filterShape[0] * filterShape[1] > 1 || vertical * horizontal === 1 || dataFormat !== 'NHWC')
    return kernelFunc(args)
  return tf.tidy(() => {
    const none = [0, 0, 0, 0]
    const x = tf.stridedSlice(inputs.x as tf.Tensor4D, none, none, [1, vertical, horizontal, 1], everyAxis, everyAxis)
    return kernelFunc({ ...args, inputs: { ...inputs, x }, attrs: { ...attrs, strides: 1 } }) as tf.Tensor
  })
}
