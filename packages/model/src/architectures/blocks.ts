import { tf } from '../tfjs.ts'
import { layerSeed } from './architecture.ts'

type Stride = 1 | 2

/** Sequences of layers. The convolution is called `name`, the layers after it `name-norm` and `name-relu`. */
export type Blocks = {
  /** Convolution over all channels and normalization. */
  readonly linear: (name: string, filters: number, kernelSize: 1 | 3, strides?: Stride) => tf.layers.Layer[]
  /** Convolution over all channels, normalization and ReLU. */
  readonly convolution: (name: string, filters: number, kernelSize: 1 | 3, strides?: Stride) => tf.layers.Layer[]
  /** A 3×3 filter for each channel, normalization and ReLU. */
  readonly depthwise: (name: string, strides?: Stride) => tf.layers.Layer[]
}

/**
 * Creates the building blocks of the normalized architectures. Convolutions have no bias, because the normalization
 * would cancel it; stride 1 keeps the image size. Kernels start with the variance 2 / fan-in of He et al. 2015
 * (arXiv:1502.01852), but uniformly distributed: a normal distribution needs a logarithm, whose last bit differs
 * between machines.
 */
export function createBlocks(seed: number): Blocks {
  const padding = 'same'

  function linear(name: string, filters: number, kernelSize: 1 | 3, strides: Stride = 1): tf.layers.Layer[] {
    const kernelInitializer = tf.initializers.heUniform({ seed: layerSeed(seed, name) })
    const options = { name, filters, kernelSize, strides, padding, useBias: false, kernelInitializer } as const
    return [tf.layers.conv2d(options), normalization(name)]
  }

  function depthwise(name: string, strides: Stride = 1): tf.layers.Layer[] {
    // Our own limit √(6 / 9): the filter sees 9 values, but tfjs, like Keras, counts all channels in its fan-in.
    const limit = Math.sqrt(6 / 9)
    const uniform = { minval: -limit, maxval: limit, seed: layerSeed(seed, name) }
    const depthwiseInitializer = tf.initializers.randomUniform(uniform)
    const options = { name, kernelSize: 3, strides, padding, useBias: false, depthwiseInitializer } as const
    return [tf.layers.depthwiseConv2d(options), normalization(name), relu(name)]
  }

  return { linear, depthwise, convolution: (name, ...shape) => [...linear(name, ...shape), relu(name)] }
}

/** Scales raw pixels to about mean 0 and variance 1: CIFAR-10 has mean 121 and deviation 64 over all channels. */
export function standardization(inputShape: [number, number, number]): tf.layers.Layer {
  return tf.layers.rescaling({ name: 'standardization', scale: 1 / 64, offset: -121 / 64, inputShape })
}

/** The last layers of a net: the mean of each channel, then a softmax over the classes. */
export function classifier(classes: number, seed: number, dropout = 0): tf.layers.Layer[] {
  const kernelInitializer = tf.initializers.glorotUniform({ seed: layerSeed(seed, 'classes') })
  return [
    tf.layers.globalAveragePooling2d({ name: 'mean', dataFormat: 'channelsLast' }),
    ...(dropout > 0 ? [tf.layers.dropout({ name: 'dropout', rate: dropout })] : []),
    tf.layers.dense({ name: 'classes', units: classes, activation: 'softmax', kernelInitializer }),
  ]
}

function normalization(name: string): tf.layers.Layer {
  // With tfjs's default, 0.99, moving statistics lag hundreds of steps behind and distort validation in short runs.
  return tf.layers.batchNormalization({ name: `${name}-norm`, momentum: 0.9 })
}

function relu(name: string): tf.layers.Layer {
  return tf.layers.activation({ name: `${name}-relu`, activation: 'relu' })
}
