import type { Stretch } from '../optimizers/weight-decay.ts'
import type { AdamFactors, Arithmetic, SgdFactors } from './arithmetic.ts'
import { expandBfloat16, roundToBfloat16 } from './rounding.ts'

/** The arithmetic in JavaScript, which defines the bits of every other one. */
export const plainArithmetic: Arithmetic = {
  name: 'plain',
  allocate: elements => new Float32Array(elements),
  allocateBfloat16: elements => new Uint16Array(elements),
  adopt: vector => vector,
  scale,
  addInto,
  adam,
  sgd,
  roundToBfloat16,
  expandBfloat16,
}

function scale(vector: Float32Array, factor: number): void {
  for (let i = 0; i < vector.length; i++) vector[i] = vector[i]! * factor
}

function addInto(sum: Float32Array, addend: Float32Array): void {
  for (let i = 0; i < sum.length; i++) sum[i] = sum[i]! + addend[i]!
}

function adam(
  weights: Float32Array,
  gradient: Float32Array,
  firstMoment: Float32Array,
  secondMoment: Float32Array,
  { alpha, epsilon, gain1, gain2 }: AdamFactors,
  { start, end, keep }: Stretch,
): void {
  for (let i = start; i < end; i++) {
    const g = gradient[i]!
    const m = firstMoment[i]! + (g - firstMoment[i]!) * gain1
    const v = secondMoment[i]! + (g * g - secondMoment[i]!) * gain2
    firstMoment[i] = m
    secondMoment[i] = v
    weights[i] = weights[i]! * keep - (m * alpha) / (Math.sqrt(v) + epsilon)
  }
}

function sgd(
  weights: Float32Array,
  gradient: Float32Array,
  moment: Float32Array | null,
  { learningRate, momentum }: SgdFactors,
  { start, end, keep }: Stretch,
): void {
  if (moment === null) {
    for (let i = start; i < end; i++) weights[i] = weights[i]! * keep - learningRate * gradient[i]!
    return
  }
  for (let i = start; i < end; i++) {
    const m = momentum * moment[i]! - learningRate * gradient[i]!
    moment[i] = m
    weights[i] = weights[i]! * keep + m
  }
}
