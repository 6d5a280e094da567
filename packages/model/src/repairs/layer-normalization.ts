import * as tf from '@tensorflow/tfjs'
import { type LayerClass, repairCall } from './layer-class.ts'

type Weight = { readonly read: () => tf.Tensor }

type LayerNormalization = tf.layers.Layer & {
  readonly axis: readonly number[]
  readonly epsilon: number
  readonly gamma: Weight | null | undefined
  readonly beta: Weight | null | undefined
}

/**
 * tfjs tiles scale, centre and statistics to the shape of the input, and trains only with both weights. Here they are
 * broadcast, and a weight that the layer lacks is left out.
 */
export function repairLayerNormalization(): void {
  const layerClass = tf.layers.layerNormalization().constructor as LayerClass<LayerNormalization>
  repairCall(layerClass, normalize)
}

/** (x − mean) / √(variance + ε) · gamma + beta, with the statistics of each sample along the axes (Ba et al. 2016). */
function normalize({ axis, epsilon, gamma, beta }: LayerNormalization, x: tf.Tensor): tf.Tensor {
  const axes = [...axis]
  const shape = x.shape.map((length, index) => (axes.includes(index) ? length : 1))
  const spread = (weight: Weight) => tf.reshape(weight.read(), shape)
  const centred = tf.sub(x, tf.mean(x, axes, true))
  const variance = tf.mean(tf.square(centred), axes, true)
  const normalized = tf.mul(centred, tf.rsqrt(tf.add(variance, epsilon)))
  const scaled = gamma ? tf.mul(normalized, spread(gamma)) : normalized
  return beta ? tf.add(scaled, spread(beta)) : scaled
}
