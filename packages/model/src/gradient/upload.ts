import { writeWeights } from '../flat-weights.ts'
import type { ParameterLayout } from '../layout.ts'
import type { tf } from '../tfjs.ts'

export type Upload = {
  /** Brings weights into the model's variables unless these bits are there already. */
  readonly put: (weights: Float32Array) => void
  /** Is called when the variables change otherwise. */
  readonly forget: () => void
}

/**
 * The optimizer changes vectors in place, so it is the bits that are compared (0.1 ms a megabyte) and not the array's
 * identity.
 */
export function createUpload(model: tf.LayersModel, layout: ParameterLayout): Upload {
  let uploaded: Buffer | undefined
  return {
    put: weights => {
      const bytes = Buffer.from(weights.buffer, weights.byteOffset, weights.byteLength)
      if (uploaded?.equals(bytes)) return
      writeWeights(model, layout, weights)
      uploaded = Buffer.from(bytes)
    },
    forget: () => {
      uploaded = undefined
    },
  }
}
