import type { Stretch } from '../optimizers/weight-decay.ts'

/** The factors of Adam's formula that are the same for all elements of a step; see `createAdam`. */
export type AdamFactors = {
  readonly alpha: number
  readonly epsilon: number
  /** 1 − β₁. */
  readonly gain1: number
  /** 1 − β₂. */
  readonly gain2: number
}

/** The factors of gradient descent that are the same for all elements of a step; see `createSgd`. */
export type SgdFactors = { readonly learningRate: number; readonly momentum: number }

/**
 * The operations of a step on flat float32 vectors, in place. Every kind of arithmetic gives the same bits on every
 * CPU, except for the payload of a NaN. The vectors of a call have the same length; two of them are identical or
 * disjoint.
 */
export type Arithmetic = {
  readonly name: 'wasm' | 'plain'
  /**
   * A vector of zeros in the memory where this arithmetic is fastest. For `wasm` that is its own memory while there is
   * room, otherwise ordinary memory. All functions also accept vectors from elsewhere, but are slower on them.
   * Allocated vectors are never freed.
   */
  readonly allocate: (elements: number) => Float32Array
  /** `allocate` for bfloat16 elements, which are the upper halves of float32. */
  readonly allocateBfloat16: (elements: number) => Uint16Array
  /** The vector itself if it is in the memory where this arithmetic is fastest, otherwise a copy in that memory. */
  readonly adopt: (vector: Float32Array) => Float32Array
  /**
   * Whole pages (4 KiB) of this arithmetic's memory over which a file can be mapped; null where none are left, and in
   * plain arithmetic. Their content is undefined.
   */
  readonly takePages: (byteLength: number) => Uint8Array | null
  readonly giveBackPages: (pages: Uint8Array) => void
  /**
   * target ← vector · factor, with the product in float64, rounded once. The target is the vector by default. Returns
   * whether all elements of the vector were sound: numbers of magnitude below 2¹²⁷. A weighted mean of sound elements
   * is finite, even after rounding to bfloat16.
   */
  readonly scale: (vector: Float32Array, factor: number, target?: Float32Array) => boolean
  /** target ← sum + addend. The target is `sum` by default. */
  readonly addInto: (sum: Float32Array, addend: Float32Array, target?: Float32Array) => void
  /** target ← sum + vector · factor, with the product and the result as in `scale`. */
  readonly addScaled: (sum: Float32Array, vector: Float32Array, factor: number, target: Float32Array) => boolean
  /** A step of Adam on one stretch of the vectors, in float32. */
  readonly adam: (
    weights: Float32Array,
    gradient: Float32Array,
    firstMoment: Float32Array,
    secondMoment: Float32Array,
    factors: AdamFactors,
    stretch: Stretch,
  ) => void
  /** A step of gradient descent on one stretch of the vectors, with momentum if a moment is given. */
  readonly sgd: (
    weights: Float32Array,
    gradient: Float32Array,
    moment: Float32Array | null,
    factors: SgdFactors,
    stretch: Stretch,
  ) => void
  /**
   * Rounds each element stochastically to one of the two adjacent bfloat16 values; the expected value is the element.
   * The random bits of element i depend only on `key` and `firstIndex` + i, so a slice is rounded as it is within the
   * whole vector. Infinities and NaNs are kept. Elements above the largest finite bfloat16 may become infinite.
   */
  readonly roundToBfloat16: (source: Float32Array, target: Uint16Array, key: number, firstIndex?: number) => void
  /** Widens bfloat16 elements to float32, exactly. */
  readonly expandBfloat16: (source: Uint16Array, target: Float32Array) => void
}
