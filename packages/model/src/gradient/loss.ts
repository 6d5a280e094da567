import { tf } from '../tfjs.ts'
import type { ShardEvaluation } from './engine.ts'

/**
 * The loss −Σ target · log softmax(logits) of each sample: [n, classes] and int32 [n] → [n]. The target is the one-hot
 * label with a share `smoothing` of its probability spread evenly over all classes (Szegedy et al. 2016, section 7).
 * Without smoothing the loss is −log softmax(logits)[label].
 */
export function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D, smoothing: number): tf.Tensor1D {
  const classes = logits.shape[1]
  const expected = tf.oneHot(labels, classes)
  const target = smoothing === 0 ? expected : tf.add(tf.mul(expected, 1 - smoothing), smoothing / classes)
  return tf.neg(tf.sum(tf.mul(target, tf.logSoftmax(logits)), 1))
}

/** Adds the losses of n samples, in double precision and in sample order, and counts the correct predictions. */
export function summarizeShard(
  losses: ArrayLike<number>,
  predictions: ArrayLike<number>,
  labels: Uint8Array,
): ShardEvaluation {
  const predicted = Uint8Array.from(predictions)
  let lossSum = 0
  for (let sample = 0; sample < losses.length; sample++) lossSum += losses[sample]!
  const correct = labels.reduce((sum, label, sample) => sum + Number(predicted[sample] === label), 0)
  return { lossSum, correct, count: labels.length, predictions: predicted }
}
