import { announceLayers } from './gradient/announce-layers.ts'
import type { Compile } from './gradient/compiler.ts'
import { inScope } from './gradient/scope.ts'
import { withWeights } from './gradient/traced-weights.ts'
import { tf } from './tfjs.ts'

/** A weight of a model, with its name and values. */
export type NamedWeight = {
  /** `layer/weight`, such as `conv1/kernel`. */
  readonly name: string
  readonly shape: readonly number[]
  /** In row-major order. */
  readonly values: Float32Array
}

/** All weights of a model, trainable or not, in the model's own order. */
export function namedWeights(model: tf.LayersModel): readonly NamedWeight[] {
  return model.weights.map(weight => {
    const { shape } = weight.read()
    return { name: weight.originalName, shape, values: weight.read().dataSync() as Float32Array }
  })
}

/**
 * Creates the computation of a model in inference mode for a compiler to trace. It takes pixels [n, …], then the
 * model's weights in their own shapes and order. It returns probabilities [n, classes] and each sample's most probable
 * class [n].
 */
export function createInferenceTrace(model: tf.LayersModel): Parameters<Compile>[0]['trace'] {
  return ([pixels, ...weights], enter) =>
    withWeights(model.weights, weights, () =>
      announceLayers(model, enter, () => {
        const probabilities = model.apply(tf.cast(pixels!, 'float32'), { training: false }) as tf.Tensor2D
        enter('the most probable class')
        return [probabilities, tf.argMax(probabilities, 1)]
      }),
    )
}

/** Computes row-major probabilities [n, classes] from the pixels [n, …] of n samples, on the selected tfjs backend. */
export function predictProbabilities(model: tf.LayersModel, pixels: Uint8Array): Float32Array {
  const sampleShape = model.inputs[0]!.shape.slice(1) as number[]
  const count = pixels.length / tf.util.sizeFromShape(sampleShape)
  return inScope(() => {
    const inputs = tf.tensor(new Float32Array(pixels), [count, ...sampleShape], 'float32')
    return (model.predict(inputs) as tf.Tensor2D).dataSync() as Float32Array
  })
}
