import { tf } from '../tfjs.ts'
import { layerSeed } from './architecture.ts'

type Stride = 1 | 2

/** Layers to be put one after another, the convolution's named `name`, those after it `name-norm` and `name-relu`. */
export type Blocks = {
  /** Convolution over all channels and normalization. */
  readonly linear: (name: string, filters: number, kernelSize: 1 | 3, strides?: Stride) => tf.layers.Layer[]
  /** Convolution over all channels, normalization and ReLU. */
  readonly convolution: (name: string, filters: number, kernelSize: 1 | 3, strides?: Stride) => tf.layers.Layer[]
  /** A 3×3 filter for each channel, normalization and ReLU. */
  readonly depthwise: (name: string, strides?: Stride) => tf.layers.Layer[]
}

/**
 * The building blocks of the normalized architectures. Convolutions have no bias, which the normalization would cancel,
 * and stride 1 keeps the size. Kernels start uniform with the variance 2 / fan-in of He et al. 2015
 * (arXiv:1502.01852): a normal distribution needs a logarithm, whose last bit is not the same on every machine.
 */
export function createBlocks(seed: number): Blocks {
  const padding = 'same'

  function linear(name: string, filters: number, kernelSize: 1 | 3, strides: Stride = 1): tf.layers.Layer[] {
    const kernelInitializer = tf.initializers.heUniform({ seed: layerSeed(seed, name) })
    const options = { name, filters, kernelSize, strides, padding, useBias: false, kernelInitializer } as const
    return [tf.layers.conv2d(options), normalization(name)]
  }

  function depthwise(name: string, strides: Stride = 1): tf.layers.Layer[] {
    // tfjs, like Keras, takes all channels for the fan-in of a filter that sees 9 values: hence the limit √(6 / 9).
    const limit = Math.sqrt(6 / 9)
    const uniform = { minval: -limit, maxval: limit, seed: layerSeed(seed, name) }
    const depthwiseInitializer = tf.initializers.randomUniform(uniform)
    const options = { name, kernelSize: 3, strides, padding, useBias: false, depthwiseInitializer } as const
    return [tf.layers.depthwiseConv2d(options), normalization(name), relu(name)]
  }

  return { linear, depthwise, convolution: (name, ...shape) => [...linear(name, ...shape), relu(name)] }
}

/** Brings raw pixels to about mean 0 and variance 1: over all channels of CIFAR-10, they have mean 121 and deviation 64. */
export function standardization(inputShape: [number, number, number]): tf.layers.Layer {
  return tf.layers.rescaling({ name: 'standardization', scale: 1 / 64, offset: -121 / 64, inputShape })
}

/** The end of a net: the mean of each channel, then a softmax over the classes. */
export function classifier(classes: number, seed: number, dropout = 0): tf.layers.Layer[] {
  const kernelInitializer = tf.initializers.glorotUniform({ seed: layerSeed(seed, 'classes') })
  return [
    tf.layers.globalAveragePooling2d({ name: 'mean', dataFormat: 'channelsLast' }),
    ...(dropout > 0 ? [tf.layers.dropout({ name: 'dropout', rate: dropout })] : []),
    tf.layers.dense({ name: 'classes', units: classes, activation: 'softmax', kernelInitializer }),
  ]
}

function normalization(name: string): tf.layers.Layer {
  // With tfjs's own 0.99 the moving statistics lag hundreds of steps behind, and so would the validation of short runs.
  return tf.layers.batchNormalization({ name: `${name}-norm`, momentum: 0.9 })
}

function relu(name: string): tf.layers.Layer {
  return tf.layers.activation({ name: `${name}-relu`, activation: 'relu' })
}
