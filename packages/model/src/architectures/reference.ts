import { tf } from '../tfjs.ts'
import { type ArchitectureOptions, layerSeed } from './architecture.ts'

/**
 * The convolutional net of the Keras tutorial on CIFAR: 258,762 parameters with 10 classes, 270,372 with 100.
 *
 * Input [batch, 32, 32, 3], raw pixels 0..255; the first layer divides by 255, so a saved model takes raw pixels.
 * Output [batch, classes], probabilities. Kernels start Glorot-uniform and biases at zero, as in Keras.
 */
export function buildReference({ classes, seed }: ArchitectureOptions): tf.LayersModel {
  const glorot = (name: string) => tf.initializers.glorotUniform({ seed: layerSeed(seed, name) })
  const conv = (name: string, filters: number) =>
    tf.layers.conv2d({ name, filters, kernelSize: 3, activation: 'relu', kernelInitializer: glorot(name) })
  const pool = (name: string) => tf.layers.maxPooling2d({ name, poolSize: 2 })
  const dense = (name: string, units: number, activation: 'relu' | 'softmax') =>
    tf.layers.dense({ name, units, activation, kernelInitializer: glorot(name) })

  return tf.sequential({
    name: 'reference',
    layers: [
      tf.layers.rescaling({ name: 'rescaling', scale: 1 / 255, inputShape: [32, 32, 3] }),
      conv('conv1', 32),
      pool('pool1'),
      conv('conv2', 64),
      pool('pool2'),
      conv('conv3', 128),
      pool('pool3'),
      tf.layers.flatten({ name: 'flatten' }),
      dense('dense1', 256, 'relu'),
      dense('dense2', 128, 'relu'),
      dense('classes', classes, 'softmax'),
    ],
  })
}
