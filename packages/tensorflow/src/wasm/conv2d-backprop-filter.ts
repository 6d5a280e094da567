import * as tf from '@tensorflow/tfjs'

type Attributes = {
  readonly strides: [number, number] | number
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding
  readonly dimRoundingMode?: 'floor' | 'round' | 'ceil'
  readonly filterShape: [number, number, number, number]
}

/**
 * The gradient of a convolution with respect to its filter, as a convolution: dW[i, j, c, d] is the sum over n, y and x
 * of x[n, y + i, x + j, c] · dy[n, y, x, d]. So x is convolved with dy, with channels as the batch and the batch as
 * channels, and the stride of the convolution becomes the dilation of dy.
 * x [n, h, w, c] and dy [n, oh, ow, d] give [fh, fw, c, d].
 */
export const conv2dBackpropFilter: tf.KernelConfig = {
  kernelName: 'Conv2DBackpropFilter',
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs }) => {
    const { strides, pad, dimRoundingMode, filterShape } = attrs as unknown as Attributes
    const x = inputs.x as tf.Tensor4D
    const dy = inputs.dy as tf.Tensor4D
    const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode)
    const { top, bottom, left, right } = info.padInfo
    const [filterHeight, filterWidth, channels, outChannels] = filterShape
    return tf.tidy(() => {
      const images = tf.transpose(x, [3, 1, 2, 0])
      const windows = tf.transpose(dy, [1, 2, 0, 3])
      const padding: tf.backend_util.ExplicitPadding = [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ]
      const dilations: [number, number] = [info.strideHeight, info.strideWidth]
      const sums = tf.conv2d(images, windows, 1, padding, 'NHWC', dilations)
      // Rows and columns after the last full stride belong to no window; they give sums beyond the filter's size.
      const whole = tf.slice(sums, [0, 0, 0, 0], [channels, filterHeight, filterWidth, outChannels])
      return tf.transpose(whole, [1, 2, 0, 3])
    })
  },
}
