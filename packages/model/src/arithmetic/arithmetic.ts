import type { Stretch } from '../optimizers/weight-decay.ts'

/** What of Adam's formula is the same for all elements of a step; see `createAdam`. */
export type AdamFactors = {
  readonly alpha: number
  readonly epsilon: number
  /** 1 − β₁. */
  readonly gain1: number
  /** 1 − β₂. */
  readonly gain2: number
}

/** What of the formula of gradient descent is the same for all elements of a step; see `createSgd`. */
export type SgdFactors = { readonly learningRate: number; readonly momentum: number }

/**
 * What a step does to flat float32 vectors, in place. Every kind of arithmetic gives the same bits, on every CPU, only
 * the payload of a NaN is free. Vectors of one call are of one length, and are either one and the same or do not overlap.
 */
export type Arithmetic = {
  readonly name: 'wasm' | 'plain'
  /**
   * A vector of zeros where this arithmetic is fastest. For `wasm` that is its memory, for as long as there is room, and
   * else anywhere; vectors from elsewhere are welcome everywhere, and only take longer. What is allocated is never freed.
   */
  readonly allocate: (elements: number) => Float32Array
  /** The same for bfloat16 elements: the upper halves of float32. */
  readonly allocateBfloat16: (elements: number) => Uint16Array
  /** The vector itself where this arithmetic is fastest on it, else a copy in an allocated one. */
  readonly adopt: (vector: Float32Array) => Float32Array
  /**
   * vector ← vector · factor: the product in float64, rounded once. Returns whether all elements were sound before: numbers
   * of a magnitude below 2¹²⁷, so that a weighted mean of such is a number, and stays one when it is rounded to bfloat16.
   */
  readonly scale: (vector: Float32Array, factor: number) => boolean
  /** sum ← sum + addend. */
  readonly addInto: (sum: Float32Array, addend: Float32Array) => void
  /** A step of Adam on a stretch of the vectors, in float32. */
  readonly adam: (
    weights: Float32Array,
    gradient: Float32Array,
    firstMoment: Float32Array,
    secondMoment: Float32Array,
    factors: AdamFactors,
    stretch: Stretch,
  ) => void
  /** A step of gradient descent on a stretch of the vectors; without a moment, without momentum. */
  readonly sgd: (
    weights: Float32Array,
    gradient: Float32Array,
    moment: Float32Array | null,
    factors: SgdFactors,
    stretch: Stretch,
  ) => void
  /**
   * Rounds each element to one of the two bfloat16 values beside it, by chance and so that it is right on average. The
   * chance of element i is a function of `key` and `firstIndex` + i alone, so a slice is rounded as within the whole.
   * Infinities and NaNs stay what they are. What is larger than the largest finite bfloat16 may become infinite.
   */
  readonly roundToBfloat16: (source: Float32Array, target: Uint16Array, key: number, firstIndex?: number) => void
  /** The float32 values that bfloat16 elements stand for; exact. */
  readonly expandBfloat16: (source: Uint16Array, target: Float32Array) => void
}
