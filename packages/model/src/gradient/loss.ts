import { tf } from '../tfjs.ts'
import type { ShardEvaluation } from './engine.ts'

/** −log softmax(logits)[label] of each sample: [n, classes] and int32 [n] → [n]. */
export function crossEntropy(logits: tf.Tensor2D, labels: tf.Tensor1D): tf.Tensor1D {
  const expected = tf.oneHot(labels, logits.shape[1])
  return tf.neg(tf.sum(tf.mul(expected, tf.logSoftmax(logits)), 1))
}

/** Adds up the losses of n samples, in double precision and in their order, and counts the hits. */
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
