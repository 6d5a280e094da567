import { tf } from '../tfjs.ts'
import { createLogits } from './logits.ts'
import { crossEntropy } from './loss.ts'

/** What training does beyond the model itself; evaluation does none of it. */
export type TrainingOptions = {
  /** Shifts, mirrors and covers the images at random. */
  readonly augment: boolean
  /** Share of a label's probability that is spread over all classes, from 0 to below 1. */
  readonly labelSmoothing: number
}

export const plainTraining: TrainingOptions = { augment: false, labelSmoothing: 0 }

/** Of n samples: the loss of each [n], and their most probable classes, int32 [n]. */
export type Forward = { readonly losses: tf.Tensor1D; readonly predictions: tf.Tensor1D }

/**
 * The forward passes of a model, written once for all engines. Pixels are [n, height, width, channels] in 0..255,
 * labels int32 [n] and keys, the samples' random numbers, int32 [n]. `enter` is told what begins.
 */
export type ForwardPasses = {
  readonly training: (pixels: tf.Tensor, labels: tf.Tensor, keys: tf.Tensor) => Forward
  readonly inference: (pixels: tf.Tensor, labels: tf.Tensor) => Forward
}

/** @throws LockstepError `model-no-softmax`. */
export function createForwardPasses(
  model: tf.LayersModel,
  _options: TrainingOptions,
  enter: (origin: string) => void = () => {},
): ForwardPasses {
  const logitsOf = createLogits(model)

  function finish(logits: tf.Tensor2D, labels: tf.Tensor): Forward {
    enter('the loss')
    const losses = addPenalty(model, crossEntropy(logits, labels as tf.Tensor1D))
    return { losses, predictions: tf.argMax(logits, 1) }
  }

  function training(pixels: tf.Tensor, labels: tf.Tensor, _keys: tf.Tensor): Forward {
    const inputs = tf.cast(pixels, 'float32')
    return finish(logitsOf(inputs, { training: true }), labels)
  }

  function inference(pixels: tf.Tensor, labels: tf.Tensor): Forward {
    return finish(logitsOf(tf.cast(pixels, 'float32'), { training: false }), labels)
  }

  return { training, inference }
}

/** The regularization losses of the layers count as part of every sample's loss, as in Keras. */
function addPenalty(model: tf.LayersModel, losses: tf.Tensor1D): tf.Tensor1D {
  const penalties = model.calculateLosses()
  return penalties.length === 0 ? losses : tf.add(losses, tf.addN(penalties))
}
