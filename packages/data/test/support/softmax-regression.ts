import { type ImageSplit, imageBytes } from '../../src/data-set.ts'
import { epochOrder } from '../../src/epoch-order.ts'

/** Shape: classes × (pixels and a bias). */
export type LinearWeights = { readonly classes: number; readonly rows: readonly Float64Array[] }

type Training = { readonly classes: number; readonly epochs: number; readonly learningRate: number }

/** Multinomial logistic regression on pixels scaled to −0.5 … 0.5, by gradient descent with one sample per step. */
export function trainSoftmaxRegression(split: ImageSplit, { classes, epochs, learningRate }: Training): LinearWeights {
  const weights = { classes, rows: Array.from({ length: classes }, () => new Float64Array(imageBytes + 1)) }
  const input = new Float64Array(imageBytes + 1)
  for (let epoch = 0; epoch < epochs; epoch++) {
    const rate = learningRate / (1 + epoch)
    for (const sample of epochOrder({ seed: 1, epoch, count: split.count })) {
      readInput(split, sample, input)
      const scores = weights.rows.map(row => dot(row, input))
      const largest = Math.max(...scores)
      const exponentials = scores.map(score => Math.exp(score - largest))
      const sum = exponentials.reduce((total, value) => total + value, 0)
      for (let label = 0; label < classes; label++) {
        const error = exponentials[label]! / sum - (label === split.labels[sample] ? 1 : 0)
        addScaled(weights.rows[label]!, input, (-rate * error) / 10)
      }
    }
  }
  return weights
}

export function accuracyOf(weights: LinearWeights, split: ImageSplit): number {
  const input = new Float64Array(imageBytes + 1)
  let correct = 0
  for (let sample = 0; sample < split.count; sample++) {
    readInput(split, sample, input)
    const scores = weights.rows.map(row => dot(row, input))
    if (scores.indexOf(Math.max(...scores)) === split.labels[sample]) correct++
  }
  return correct / split.count
}

function readInput(split: ImageSplit, sample: number, input: Float64Array): void {
  const start = sample * imageBytes
  for (let byte = 0; byte < imageBytes; byte++) input[byte] = split.pixels[start + byte]! / 255 - 0.5
  input[imageBytes] = 1
}

/** Keeps four partial sums, which a processor can add in parallel. */
function dot(row: Float64Array, input: Float64Array): number {
  let [a, b, c, d] = [row[imageBytes]! * input[imageBytes]!, 0, 0, 0]
  for (let i = 0; i < imageBytes; i += 4) {
    a += row[i]! * input[i]!
    b += row[i + 1]! * input[i + 1]!
    c += row[i + 2]! * input[i + 2]!
    d += row[i + 3]! * input[i + 3]!
  }
  return a + b + c + d
}

function addScaled(row: Float64Array, input: Float64Array, factor: number): void {
  for (let i = 0; i < row.length; i++) row[i]! += factor * input[i]!
}
