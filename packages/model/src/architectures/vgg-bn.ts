import { tf } from '../tfjs.ts'
import type { ArchitectureOptions } from './architecture.ts'
import { classifier, createBlocks, standardization } from './blocks.ts'

/**
 * A small VGG (Simonyan and Zisserman 2014, arXiv:1409.1556) with batch normalization, designed for training on a few
 * CPU cores: 1,166,506 trainable parameters with 10 classes and 43 million multiplications per image, most of them in
 * the late layers, where images are small and channels are many.
 *
 * Input [batch, 32, 32, 3], raw pixels 0..255; output [batch, classes], probabilities.
 */
export function buildVggBn({ classes, seed }: ArchitectureOptions): tf.LayersModel {
  const { convolution } = createBlocks(seed)
  const pool = (name: string) => tf.layers.maxPooling2d({ name, poolSize: 2 })
  return tf.sequential({
    name: 'vgg-bn',
    layers: [
      standardization([32, 32, 3]),
      ...convolution('conv1', 32, 3),
      pool('pool1'),
      ...convolution('conv2', 64, 3),
      ...convolution('conv3', 64, 3),
      pool('pool2'),
      ...convolution('conv4', 128, 3),
      ...convolution('conv5', 128, 3),
      pool('pool3'),
      ...convolution('conv6', 256, 3),
      ...convolution('conv7', 256, 3),
      ...classifier(classes, seed, 0.2),
    ],
  })
}
