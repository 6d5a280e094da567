import { tf } from '../tfjs.ts'
import type { ArchitectureOptions } from './architecture.ts'
import { classifier, createBlocks, standardization } from './blocks.ts'

/** Filters and stride of each depthwise separable block. */
const separableBlocks = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [256, 1],
  [512, 2],
] as const

/**
 * MobileNet (Howard et al. 2017, arXiv:1704.04861) reduced to images of 32×32: 343,114 trainable parameters with 10
 * classes and 23 million multiplications per image. A block filters each channel separately, then mixes the channels.
 *
 * Input [batch, 32, 32, 3], raw pixels 0..255; output [batch, classes], probabilities.
 */
export function buildMobileNet({ classes, seed }: ArchitectureOptions): tf.LayersModel {
  const { convolution, depthwise } = createBlocks(seed)
  const separable = separableBlocks.flatMap(([filters, strides], index) => [
    ...depthwise(`block${index + 1}-filter`, strides),
    ...convolution(`block${index + 1}-mix`, filters, 1),
  ])
  return tf.sequential({
    name: 'mobilenet',
    layers: [standardization([32, 32, 3]), ...convolution('stem', 32, 3), ...separable, ...classifier(classes, seed)],
  })
}
