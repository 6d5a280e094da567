import { augment } from '../random/augment.ts'
import { checkRandomLayers } from '../random/check-random-layers.ts'
import { withKeyedRandomLayers } from '../random/keyed-layers.ts'
import { tf } from '../tfjs.ts'
import { checkDilations } from './check-dilations.ts'
import { createLogits } from './logits.ts'
import { crossEntropy } from './loss.ts'
import { addPenalty } from './penalty.ts'

/** Options that apply to training only, not to evaluation. */
export type TrainingOptions = {
  /** Shifts, mirrors and partly covers the images at random. */
  readonly augment: boolean
  /** Share of a label's probability that is spread over all classes, in [0, 1). */
  readonly labelSmoothing: number
}

export const plainTraining: TrainingOptions = { augment: false, labelSmoothing: 0 }

/** The losses of n samples [n] and their most probable classes, int32 [n]. */
export type Forward = { readonly losses: tf.Tensor1D; readonly predictions: tf.Tensor1D }

/**
 * The forward passes of a model, shared by all engines. Pixels are [n, height, width, channels] in 0..255, labels
 * int32 [n] and keys, from which the samples' random numbers are drawn, int32 [n]. `enter` gets the name of each part
 * as it begins.
 */
export type ForwardPasses = {
  readonly training: (pixels: tf.Tensor, labels: tf.Tensor, keys: tf.Tensor) => Forward
  readonly inference: (pixels: tf.Tensor, labels: tf.Tensor) => Forward
}

/** @throws LockstepError `model-no-softmax` or `random-layer`. */
export function createForwardPasses(
  model: tf.LayersModel,
  options: TrainingOptions,
  enter: (origin: string) => void = () => {},
): ForwardPasses {
  const logitsOf = createLogits(model)
  checkRandomLayers(model)
  checkDilations(model)

  function finish(logits: tf.Tensor2D, labels: tf.Tensor, smoothing: number): Forward {
    enter('the loss')
    const losses = addPenalty(model, crossEntropy(logits, labels as tf.Tensor1D, smoothing))
    return { losses, predictions: tf.argMax(logits, 1) }
  }

  function training(pixels: tf.Tensor, labels: tf.Tensor, keys: tf.Tensor): Forward {
    enter('augmentation')
    const images = options.augment ? augment(pixels, keys as tf.Tensor1D) : pixels
    const inputs = tf.cast(images, 'float32')
    const pass = () => logitsOf(inputs, { training: true })
    return finish(withKeyedRandomLayers(model, keys as tf.Tensor1D, pass), labels, options.labelSmoothing)
  }

  function inference(pixels: tf.Tensor, labels: tf.Tensor): Forward {
    return finish(logitsOf(tf.cast(pixels, 'float32'), { training: false }), labels, 0)
  }

  return { training, inference }
}
