import {
  type Arithmetic,
  createArithmetic,
  createGradientFormat,
  createVectorPool,
  gradientFormatBytes,
  type PackedGradient,
  type VectorPool,
} from '@lockstep/model/arithmetic'
import { bytesPerElement, type RunConfig } from '@lockstep/protocol'
import { maxPieceElements } from './pieces.ts'

/**
 * The memory of pieces, and the arithmetic in it. As in the star topology, elements travel unchanged, or rounded by
 * seed, step, shard and place.
 */
export type PieceCoding = {
  readonly arithmetic: Arithmetic
  readonly bytesPerElement: number
  /** A vector of elements to add up, in memory that is reused. */
  readonly takeVector: (elements: number) => Float32Array
  readonly giveBack: (vector: Float32Array) => void
  /** Memory for elements in their wire form: the vector itself where they travel unchanged. */
  readonly packedPlace: (vector: Float32Array) => PackedGradient
  /** Fills the vector with the elements that have arrived in `place`. */
  readonly unpack: (place: PackedGradient, vector: Float32Array) => void
  /** Packs a piece of a step's mean into the form that all members use. Call `releaseMean` once it has been sent. */
  readonly packMean: (mean: Float32Array, step: number, firstIndex: number) => PackedGradient
  readonly releaseMean: (packed: PackedGradient) => void
}

/** `elements`: the most that should be kept at once. More are allowed, but slower. */
export function createPieceCoding(config: Pick<RunConfig, 'compress' | 'seed'>, elements: number): PieceCoding {
  const isPlain = config.compress === 'none'
  const elementBytes = Float32Array.BYTES_PER_ELEMENT + (isPlain ? 0 : Uint16Array.BYTES_PER_ELEMENT)
  const capacityBytes = elements * elementBytes + gradientFormatBytes(config, maxPieceElements)
  const arithmetic = createArithmetic({ capacityBytes })
  const format = createGradientFormat(config, arithmetic, maxPieceElements)
  const vectors = createPool(arithmetic.allocate)
  const packed = createPool(arithmetic.allocateBfloat16)

  function unpack(place: PackedGradient, vector: Float32Array): void {
    if (isPlain) return
    arithmetic.expandBfloat16(place as Uint16Array, vector)
    packed.giveBack(place as Uint16Array)
  }

  function packMean(mean: Float32Array, step: number, firstIndex: number): PackedGradient {
    const rounded = format.pack(mean, { step, shard: 'mean' }, firstIndex)
    if (isPlain) return rounded
    const kept = packed.take(mean.length)
    kept.set(rounded)
    vectors.giveBack(mean)
    return kept
  }

  return {
    arithmetic,
    bytesPerElement: bytesPerElement[format.type],
    takeVector: vectors.take,
    giveBack: vectors.giveBack,
    packedPlace: vector => (isPlain ? vector : packed.take(vector.length)),
    unpack,
    packMean,
    releaseMean: piece => (isPlain ? vectors.giveBack(piece as Float32Array) : packed.giveBack(piece as Uint16Array)),
  }
}

/** A vector of the flat gradient in its wire form, in memory that threads share. */
export function allocateShared({ compress }: Pick<RunConfig, 'compress'>, elements: number): PackedGradient {
  return compress === 'none'
    ? new Float32Array(new SharedArrayBuffer(elements * Float32Array.BYTES_PER_ELEMENT))
    : new Uint16Array(new SharedArrayBuffer(elements * Uint16Array.BYTES_PER_ELEMENT))
}

/** Reusable vectors by length: that of a full piece, and that of the last one. */
function createPool<T extends PackedGradient>(allocate: (elements: number) => T) {
  const pools = new Map<number, VectorPool<T>>()
  const poolOf = (elements: number): VectorPool<T> => {
    const pool = pools.get(elements) ?? createVectorPool(() => allocate(elements))
    pools.set(elements, pool)
    return pool
  }
  return {
    take: (elements: number) => poolOf(elements).take(),
    giveBack: (vector: T) => poolOf(vector.length).giveBack(vector),
  }
}
