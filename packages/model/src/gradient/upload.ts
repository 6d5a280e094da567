import { writeWeights } from '../flat-weights.ts'
import type { ParameterLayout } from '../layout.ts'
import type { tf } from '../tfjs.ts'

export type Upload = {
  /** Writes weights into the model's variables, unless they already hold the same bits. */
  readonly put: (weights: Float32Array) => void
  /** To be called when anything else changes the variables. */
  readonly forget: () => void
}

/**
 * Tracks which weights the model's variables hold. It compares bits (0.1 ms per megabyte) and not the identity of the
 * array, because the optimizer changes vectors in place.
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
