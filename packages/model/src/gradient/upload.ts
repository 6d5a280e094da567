import { writeWeights } from '../flat-weights.ts'
import type { ParameterLayout } from '../layout.ts'
import type { tf } from '../tfjs.ts'

/**
 * A function that brings weights into the model's variables unless these bits are there already. The optimizer
 * changes vectors in place, so it is the bits that are compared (0.1 ms a megabyte) and not the array's identity.
 */
export function createUpload(model: tf.LayersModel, layout: ParameterLayout): (weights: Float32Array) => void {
  let uploaded: Buffer | undefined
  return weights => {
    const bytes = Buffer.from(weights.buffer, weights.byteOffset, weights.byteLength)
    if (uploaded?.equals(bytes)) return
    writeWeights(model, layout, weights)
    uploaded = Buffer.from(bytes)
  }
}
