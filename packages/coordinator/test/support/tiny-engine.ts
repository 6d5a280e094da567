import { imageBytes } from '@lockstep/data'
import type { ParameterLayout, ShardEvaluation, ShardGradient } from '@lockstep/model'

/** The number of bytes of an image that the tiny model uses, and of its classes. */
export const features = 6
export const classes = 3
/** A weight for each feature and class, then a bias for each class. */
export const tinyTrainable = features * classes + classes
/** Then the moving mean of each feature, which is not trained. */
export const tinySize = tinyTrainable + features
const momentum = 0.9

/** Their layout in the flat vector. */
export const tinyLayout: Pick<ParameterLayout, 'entries' | 'trainableSize'> = {
  entries: [
    { name: 'dense/kernel', shape: [features, classes], offset: 0, size: features * classes },
    { name: 'dense/bias', shape: [classes], offset: features * classes, size: classes },
    { name: 'moving/mean', shape: [features], offset: tinyTrainable, size: features },
  ],
  trainableSize: tinyTrainable,
}

/** A gradient engine that answers synchronously. */
export type TinyEngine = {
  readonly gradient: (weights: Float32Array, pixels: Uint8Array, labels: Uint8Array, keys: Int32Array) => ShardGradient
  readonly evaluate: (weights: Float32Array, pixels: Uint8Array, labels: Uint8Array) => ShardEvaluation
}

/**
 * Softmax regression on the first bytes of each image, in plain arithmetic: a real gradient of a real loss, thousands
 * of times a second. In training, the first feature of samples with an odd key is dropped.
 */
export function createTinyEngine(): TinyEngine {
  return {
    gradient: (weights, pixels, labels, keys) => {
      const sum = new Float64Array(tinySize)
      const evaluation = visit(weights, inputsOf(pixels, keys), labels, (inputs, errors) => {
        addGradient(sum, inputs, errors)
        for (const [feature, input] of inputs.entries()) {
          sum[tinyTrainable + feature]! += (1 - momentum) * (input - weights[tinyTrainable + feature]!)
        }
      })
      const gradient = Float32Array.from(sum, value => value / labels.length)
      return { ...evaluation, gradient }
    },
    evaluate: (weights, pixels, labels) => visit(weights, inputsOf(pixels), labels, () => undefined),
  }
}

function visit(
  weights: Float32Array,
  samples: readonly (readonly number[])[],
  labels: Uint8Array,
  each: (inputs: readonly number[], errors: readonly number[]) => void,
): ShardEvaluation {
  const predictions = new Uint8Array(labels.length)
  let [lossSum, correct] = [0, 0]
  for (const [sample, label] of labels.entries()) {
    const inputs = samples[sample]!
    const probabilities = softmax(logitsOf(weights, inputs))
    lossSum -= Math.log(probabilities[label]!)
    predictions[sample] = probabilities.indexOf(Math.max(...probabilities))
    if (predictions[sample] === label) correct += 1
    each(
      inputs,
      probabilities.map((probability, index) => probability - Number(index === label)),
    )
  }
  return { lossSum, correct, count: labels.length, predictions }
}

function inputsOf(pixels: Uint8Array, keys?: Int32Array): readonly (readonly number[])[] {
  return Array.from({ length: pixels.length / imageBytes }, (_, sample) => {
    const at = sample * imageBytes
    const inputs = Array.from(pixels.subarray(at, at + features), byte => byte / 255)
    return keys !== undefined && keys[sample]! % 2 !== 0 ? [0, ...inputs.slice(1)] : inputs
  })
}

function logitsOf(weights: Float32Array, inputs: readonly number[]): number[] {
  return Array.from({ length: classes }, (_, index) => {
    let logit = weights[features * classes + index]!
    for (const [feature, input] of inputs.entries()) logit += weights[feature * classes + index]! * input
    return logit
  })
}

function softmax(logits: readonly number[]): number[] {
  const largest = Math.max(...logits)
  const powers = logits.map(logit => Math.exp(logit - largest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map(power => power / sum)
}

/** The gradient of a sample's loss by the weight of (feature, class) is input · (probability − expected). */
function addGradient(sum: Float64Array, inputs: readonly number[], errors: readonly number[]): void {
  for (const [index, error] of errors.entries()) {
    for (const [feature, input] of inputs.entries()) sum[feature * classes + index]! += input * error
    sum[features * classes + index]! += error
  }
}
