import { tf } from '../tfjs.ts'
import type { ArchitectureOptions } from './architecture.ts'
import { type Blocks, classifier, createBlocks, standardization } from './blocks.ts'

const stages = [
  { filters: 16, strides: 1 },
  { filters: 32, strides: 2 },
  { filters: 64, strides: 2 },
] as const
const blocksPerStage = 3

/**
 * The 20-layer residual net for CIFAR of He et al. 2015 (arXiv:1512.03385, section 4.2), with the shortcuts of option
 * B: where a stage starts with fewer pixels and more channels, a normalized 1×1 convolution projects the shortcut. It
 * has 272,474 trainable parameters with 10 classes; the paper's option A, which pads with zeros, has 269,722.
 *
 * Input [batch, 32, 32, 3], raw pixels 0..255; output [batch, classes], probabilities.
 */
export function buildResNet20({ classes, seed }: ArchitectureOptions): tf.LayersModel {
  const blocks = createBlocks(seed)
  const input = tf.input({ name: 'pixels', shape: [32, 32, 3] })
  let features = chain(input, [standardization([32, 32, 3]), ...blocks.convolution('stem', 16, 3)])
  for (const [stage, { filters, strides }] of stages.entries()) {
    for (let block = 0; block < blocksPerStage; block++) {
      const name = `stage${stage + 1}-block${block + 1}`
      features = residual(blocks, name, features, filters, block === 0 ? strides : 1)
    }
  }
  return tf.model({ name: 'resnet20', inputs: input, outputs: chain(features, classifier(classes, seed)) })
}

/** ReLU(F(x) + x), where F is two convolutions. */
function residual(
  { convolution, linear }: Blocks,
  name: string,
  input: tf.SymbolicTensor,
  filters: number,
  strides: 1 | 2,
): tf.SymbolicTensor {
  const first = convolution(`${name}-conv1`, filters, 3, strides)
  const branch = chain(input, [...first, ...linear(`${name}-conv2`, filters, 3)])
  const shortcut = strides === 1 ? input : chain(input, linear(`${name}-shortcut`, filters, 1, strides))
  const sum = tf.layers.add({ name: `${name}-add` }).apply([branch, shortcut])
  return tf.layers.activation({ name: `${name}-relu`, activation: 'relu' }).apply(sum) as tf.SymbolicTensor
}

function chain(input: tf.SymbolicTensor, layers: readonly tf.layers.Layer[]): tf.SymbolicTensor {
  return layers.reduce((output, layer) => layer.apply(output) as tf.SymbolicTensor, input)
}
