import { imageBytes } from '@lockstep/data'
import type { ParameterLayout, ShardEvaluation, ShardGradient } from '@lockstep/model'

/** Bytes of an image that the model reads, and its classes. */
export const features = 5
export const classes = 3
/** Samples in the training set. */
export const trainSamples = 33
export const trainableSize = features * classes + classes
/** The trained weights, followed by the ledger: one weight for each sample. */
export const modelSize = trainableSize + trainSamples

export const tinyLayout: Pick<ParameterLayout, 'entries' | 'trainableSize'> = {
  entries: [
    { name: 'dense/kernel', shape: [features, classes], offset: 0, size: features * classes },
    { name: 'dense/bias', shape: [classes], offset: features * classes, size: classes },
    { name: 'ledger', shape: [trainSamples], offset: trainableSize, size: trainSamples },
  ],
  trainableSize,
}

/**
 * The gradient of a linear model under a squared loss, with a ledger among its weights. The ledger is not trained. A
 * shard moves the entries of its samples by one over the shard's size, so a step moves the entry of each sample in its
 * batch by one over the batch's size, and no other entry. The weights thus show which samples have counted, and how
 * often.
 */
export function gradientOf(
  weights: Float32Array,
  pixels: Uint8Array,
  labels: Uint8Array,
  keys: Int32Array,
): ShardGradient {
  const sum = new Float64Array(modelSize)
  const evaluation = visit(weights, pixels, labels, (sample, inputs, errors) => {
    // The keys take part, so that a shard with wrong keys is noticed.
    const scale = keys[sample]! % 2 === 0 ? 2 : 1
    for (let index = 0; index < classes; index++) {
      for (let feature = 0; feature < features; feature++) {
        sum[feature * classes + index]! += scale * inputs[feature]! * errors[index]!
      }
      sum[features * classes + index]! += scale * errors[index]!
    }
    sum[trainableSize + sampleNumber(pixels, sample)]! += 1
  })
  return { ...evaluation, gradient: Float32Array.from(sum, value => value / labels.length) }
}

export function evaluationOf(weights: Float32Array, pixels: Uint8Array, labels: Uint8Array): ShardEvaluation {
  return visit(weights, pixels, labels, () => undefined)
}

/** The last byte of an image is its sample's number. */
export function sampleNumber(pixels: Uint8Array, sample: number): number {
  return pixels[(sample + 1) * imageBytes - 1]!
}

function visit(
  weights: Float32Array,
  pixels: Uint8Array,
  labels: Uint8Array,
  each: (sample: number, inputs: Float64Array, errors: Float64Array) => void,
): ShardEvaluation {
  const predictions = new Uint8Array(labels.length)
  const [inputs, errors] = [new Float64Array(features), new Float64Array(classes)]
  let [lossSum, correct] = [0, 0]
  for (let sample = 0; sample < labels.length; sample++) {
    for (let feature = 0; feature < features; feature++) inputs[feature] = pixels[sample * imageBytes + feature]! / 255
    let best = 0
    for (let index = 0; index < classes; index++) {
      let output = weights[features * classes + index]!
      for (let feature = 0; feature < features; feature++)
        output += weights[feature * classes + index]! * inputs[feature]!
      errors[index] = output - (labels[sample] === index ? 1 : 0)
      lossSum += errors[index]! ** 2
      if (output > errors[best]! + (labels[sample] === best ? 1 : 0)) best = index
    }
    predictions[sample] = best
    if (best === labels[sample]) correct += 1
    each(sample, inputs, errors)
  }
  return { lossSum, correct, count: labels.length, predictions }
}
