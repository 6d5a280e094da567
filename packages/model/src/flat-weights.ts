import { LockstepError } from '@lockstep/protocol'
import { type ParameterLayout, weightVariables } from './layout.ts'
import { tf } from './tfjs.ts'

/** The model's weights as one new flat vector of `layout.size` elements. */
export function readWeights(model: tf.LayersModel, layout: ParameterLayout): Float32Array {
  const weights = new Float32Array(layout.size)
  const variables = weightVariables(model)
  for (const [index, { offset }] of layout.entries.entries()) {
    weights.set(variables[index]!.read().dataSync() as Float32Array, offset)
  }
  return weights
}

/**
 * Sets the model's weights from a flat vector, which is copied.
 *
 * @throws LockstepError `weights-size` if the vector does not have `layout.size` elements.
 */
export function writeWeights(model: tf.LayersModel, layout: ParameterLayout, weights: Float32Array): void {
  checkWeightsSize(layout, weights)
  const variables = weightVariables(model)
  for (const [index, { shape, offset, size }] of layout.entries.entries()) {
    // slice, because a backend may keep the array that it gets, and the optimizer changes `weights` in place.
    const value = tf.tensor(weights.slice(offset, offset + size), [...shape], 'float32')
    variables[index]!.write(value)
    value.dispose()
  }
}

/** @throws LockstepError `weights-size` if the vector does not have `layout.size` elements. */
export function checkWeightsSize(layout: ParameterLayout, weights: Float32Array): void {
  if (weights.length === layout.size) return
  throw new LockstepError('weights-size', 'the weight vector does not fit the model', {
    expected: `${layout.size} elements`,
    received: `${weights.length}`,
  })
}
