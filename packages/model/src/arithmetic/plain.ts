import type { Stretch } from '../optimizers/weight-decay.ts'
import type { AdamFactors, Arithmetic, SgdFactors } from './arithmetic.ts'
import { expandBfloat16, roundToBfloat16 } from './rounding.ts'

const { fround } = Math

/** Adam sets smaller moments to zero. They would become denormal, and Intel CPUs compute 30 times slower with those. */
export const smallestMoment = 2 ** -100

/** Elements of at least this magnitude are not sound; see `Arithmetic`. */
export const unsoundMagnitude = 2 ** 127

/** The arithmetic in plain JavaScript. The other kinds must give the same bits. */
export const plainArithmetic: Arithmetic = {
  name: 'plain',
  allocate: elements => new Float32Array(elements),
  allocateBfloat16: elements => new Uint16Array(elements),
  adopt: vector => vector,
  takePages: () => null,
  giveBackPages: () => undefined,
  scale,
  addInto,
  addScaled,
  adam,
  sgd,
  roundToBfloat16,
  expandBfloat16,
}

/** Works on four elements at a time, each with its own maximum, so that the check for soundness costs no extra time. */
function scale(vector: Float32Array, factor: number, target = vector): boolean {
  let [largest0, largest1, largest2, largest3] = [0, 0, 0, 0]
  const block = vector.length & ~3
  for (let i = 0; i < block; i += 4) {
    const [v0, v1, v2, v3] = [vector[i]!, vector[i + 1]!, vector[i + 2]!, vector[i + 3]!]
    largest0 = Math.max(largest0, Math.abs(v0))
    largest1 = Math.max(largest1, Math.abs(v1))
    largest2 = Math.max(largest2, Math.abs(v2))
    largest3 = Math.max(largest3, Math.abs(v3))
    target[i] = v0 * factor
    target[i + 1] = v1 * factor
    target[i + 2] = v2 * factor
    target[i + 3] = v3 * factor
  }
  for (let i = block; i < vector.length; i++) {
    largest0 = Math.max(largest0, Math.abs(vector[i]!))
    target[i] = vector[i]! * factor
  }
  return Math.max(largest0, largest1, largest2, largest3) < unsoundMagnitude
}

function addInto(sum: Float32Array, addend: Float32Array, target = sum): void {
  for (let i = 0; i < sum.length; i++) target[i] = sum[i]! + addend[i]!
}

function addScaled(sum: Float32Array, vector: Float32Array, factor: number, target: Float32Array): boolean {
  let largest = 0
  for (let i = 0; i < vector.length; i++) {
    const element = vector[i]!
    largest = Math.max(largest, Math.abs(element))
    target[i] = sum[i]! + fround(element * factor)
  }
  return largest < unsoundMagnitude
}

function adam(
  weights: Float32Array,
  gradient: Float32Array,
  firstMoment: Float32Array,
  secondMoment: Float32Array,
  { alpha, epsilon, gain1, gain2 }: AdamFactors,
  { start, end, keep }: Stretch,
): void {
  const [keepFloat, alphaFloat, epsilonFloat] = [fround(keep), fround(alpha), fround(epsilon)]
  const [gain1Float, gain2Float] = [fround(gain1), fround(gain2)]
  for (let i = start; i < end; i++) {
    const g = gradient[i]!
    const m = clearTiny(approach(firstMoment[i]!, g, gain1Float))
    const v = clearTiny(approach(secondMoment[i]!, fround(g * g), gain2Float))
    firstMoment[i] = m
    secondMoment[i] = v
    const step = fround(fround(m * alphaFloat) / fround(fround(Math.sqrt(v)) + epsilonFloat))
    weights[i] = fround(weights[i]! * keepFloat) - step
  }
}

/** from + (to − from) · gain. */
function approach(from: number, to: number, gain: number): number {
  return fround(from + fround(fround(to - from) * gain))
}

function clearTiny(moment: number): number {
  return Math.abs(moment) < smallestMoment ? 0 : moment
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
