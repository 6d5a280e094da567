import * as tf from '@tensorflow/tfjs'
import { type LayerClass, repairCall } from './layer-class.ts'

type Weight = { readonly read: () => tf.Tensor }
type Normalization = tf.layers.Layer & {
  readonly axis: number
  scale: boolean
  center: boolean
  gamma: Weight | null | undefined
  beta: Weight | null | undefined
}

/** tfjs can train batch normalization only with both weights, and only over the last axis. */
export function repairNormalization(): void {
  repairCall(tf.layers.batchNormalization().constructor as LayerClass<Normalization>, normalizeWithoutWeights)
  repairGradient()
}

/** A missing scale counts as 1, a missing centre as 0. */
function normalizeWithoutWeights(
  layer: Normalization,
  input: tf.Tensor,
  callAsBefore: () => tf.Tensor,
): tf.Tensor | undefined {
  const { scale, center, gamma, beta } = layer
  if (scale && center) return undefined
  const shape = [input.shape.at(layer.axis)!]
  const complete = { gamma: gamma ?? constant(shape, 1), beta: beta ?? constant(shape, 0) }
  Object.assign(layer, complete, { scale: true, center: true })
  try {
    return callAsBefore()
  } finally {
    Object.assign(layer, { scale, center, gamma, beta })
  }
}

function constant(shape: number[], value: number): Weight {
  return { read: () => tf.fill(shape, value) }
}

/**
 * The gradient of tfjs works for statistics that are one vector or one number per element. For those of another axis,
 * such as [1, height, 1, 1], it omits the sum.
 */
function repairGradient(): void {
  const original = tf.getGradient('FusedBatchNorm')
  tf.registerGradient({
    ...original,
    gradFunc: (dy, saved, attributes) => {
      const [x, ...statistics] = saved as [tf.Tensor, ...tf.Tensor[]]
      const { shape } = statistics[0]!
      const forEach = tf.util.sizeFromShape(shape) === x.size
      if (shape.length === 1 || forEach) return original.gradFunc(dy, saved, attributes)
      const spread = statistics.map(statistic => tf.broadcastTo(statistic, x.shape as number[] as never))
      const { x: ofX, ...gradients } = original.gradFunc(dy, [x, ...spread], attributes)
      const axes = [...x.shape.keys()].filter(axis => (shape.at(axis - x.rank) ?? 1) === 1)
      const sum = (gradient: () => tf.Tensor) => tf.reshape(tf.sum(gradient(), axes), shape)
      const summed = Object.entries(gradients).map(([name, gradient]) => [name, () => sum(gradient)])
      return { x: ofX!, ...Object.fromEntries(summed) }
    },
  })
}
