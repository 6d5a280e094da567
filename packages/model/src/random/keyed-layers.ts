import { tf } from '../tfjs.ts'
import { randomLayerError } from './check-random-layers.ts'
import { nestedLayers } from './nested-layers.ts'
import { type Draws, type NoiseSettings, noises } from './noise.ts'
import { type LayerCall, overrideCalls } from './override-calls.ts'
import { sampleChance, sampleUniform } from './sample-uniform.ts'

/**
 * Runs `compute` while the random layers of a model draw from the keys of the samples, int32 [n], instead of from their
 * own generators. This affects training only: in inference these layers do nothing anyway.
 *
 * A layer's streams follow from its position in the model and from the number of its call, so layers and calls draw
 * independently. The bits drawn are the same in every engine. The results of GaussianNoise and GaussianDropout may
 * differ in the last bits, because logarithm and cosine do.
 *
 * @throws LockstepError `random-layer` from a layer whose input does not have one row per sample.
 */
export function withKeyedRandomLayers<T>(model: tf.LayersModel, keys: tf.Tensor1D, compute: () => T): T {
  const layers = nestedLayers(model)
  const override = (layer: tf.layers.Layer, call: LayerCall): LayerCall | undefined => {
    const noise = noises[layer.getClassName()]
    if (noise === undefined) return undefined
    // The k-th call of layer i uses the stream 2 · (i + k · layers) and the one after it.
    let stream = 2 * layers.indexOf(layer)
    return (inputs, options) => {
      if (!options?.training) return call(inputs, options)
      // With training off the layer returns its input. Calling it keeps other overrides of its call working.
      const output = call(inputs, { ...options, training: false })
      const [input] = Array.isArray(output) ? output : [output]
      if (input?.shape[0] !== keys.shape[0]) throw randomLayerError(layer, 'gets other rows than one for each sample')
      const draws = createDraws(keys, stream)
      stream += 2 * layers.length
      return tf.tidy(() => noise(input!, layer as unknown as NoiseSettings, draws))
    }
  }
  return overrideCalls(layers, override, compute)
}

function createDraws(keys: tf.Tensor1D, stream: number): Draws {
  return {
    chance: (shape, probability) => tf.cast(sampleChance(keys, stream, shape, probability), 'float32'),
    normal: shape => boxMuller(sampleUniform(keys, stream, shape), sampleUniform(keys, stream + 1, shape)),
  }
}

/** Turns two numbers in [0, 1) into one of the standard normal distribution (Box and Muller 1958). */
function boxMuller(first: tf.Tensor, second: tf.Tensor): tf.Tensor {
  const radius = tf.sqrt(tf.mul(tf.log(tf.sub(1, first)), -2))
  return tf.mul(radius, tf.cos(tf.mul(second, 2 * Math.PI)))
}
