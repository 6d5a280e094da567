import { tf } from '../tfjs.ts'
import { augment } from './augment.ts'

/** Augments consecutive images of one shape (height, width, channels) by their keys, as training does. */
export function augmentBytes(
  pixels: Uint8Array,
  shape: readonly [number, number, number],
  keys: Int32Array,
): Uint8Array {
  return tf.tidy(() => {
    const images = tf.tensor4d(Int32Array.from(pixels), [keys.length, ...shape], 'int32')
    return Uint8Array.from(augment(images, tf.tensor1d(keys, 'int32')).dataSync())
  })
}
