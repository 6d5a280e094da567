import type { RunConfig } from '@lockstep/protocol'
import type { Arithmetic } from './arithmetic.ts'
import { roundingKey } from './rounding.ts'

/** A gradient as it is sent: float32 or bfloat16 elements. */
export type PackedGradient = Float32Array | Uint16Array

/** Identifies a gradient: that of a shard at a step, or the mean of all shards. */
export type GradientSource = { readonly step: number; readonly shard: number | 'mean' }

/** How the gradients of a run are sent: those of the shards to the coordinator and their mean back. */
export type GradientFormat = {
  readonly type: 'float32' | 'bfloat16'
  /**
   * Converts a gradient for sending. Returns the gradient itself, or its rounded elements in a vector that is valid
   * until the next call. Rounding depends only on seed, step and shard. `firstIndex` is a slice's start in the whole
   * vector.
   */
  readonly pack: (gradient: Float32Array, source: GradientSource, firstIndex?: number) => PackedGradient
  /** Writes the gradient that was sent, after rounding, as float32. */
  readonly unpack: (packed: PackedGradient, gradient: Float32Array) => void
  /** `unpack` for a gradient that `fill` copies out of the buffer in which it arrived. */
  readonly receive: (fill: (packed: PackedGradient) => void, gradient: Float32Array) => void
  /**
   * The gradient that this memory starts with, as float32. It is left where it is if it needs no unpacking and is in
   * the same buffer as the vector, and otherwise written to the vector, which has its length.
   */
  readonly readFrom: (memory: Uint8Array, vector: Float32Array) => Float32Array
}

const float32Format: GradientFormat = {
  type: 'float32',
  pack: gradient => gradient,
  unpack: (packed, gradient) => {
    if (packed !== gradient) gradient.set(packed)
  },
  receive: (fill, gradient) => fill(gradient),
  readFrom: ({ buffer, byteOffset }, vector) => {
    const gradient = new Float32Array(buffer, byteOffset, vector.length)
    if (buffer === vector.buffer) return gradient
    vector.set(gradient)
    return vector
  },
}

/** Creates the format of a run's configuration, for gradients of at most `elements` elements. */
export function createGradientFormat(
  { compress, seed }: Pick<RunConfig, 'compress' | 'seed'>,
  arithmetic: Arithmetic,
  elements: number,
): GradientFormat {
  return compress === 'none' ? float32Format : createBfloat16Format(seed, arithmetic, elements)
}

/** The most memory, in bytes, that a format allocates from an arithmetic. */
export function gradientFormatBytes({ compress }: Pick<RunConfig, 'compress'>, elements: number): number {
  const bytesPerElement = Float32Array.BYTES_PER_ELEMENT + Uint16Array.BYTES_PER_ELEMENT
  return compress === 'none' ? 0 : elements * bytesPerElement + 2 * 64
}

function createBfloat16Format(seed: number, arithmetic: Arithmetic, elements: number): GradientFormat {
  const scratch = arithmetic.allocateBfloat16(elements)
  let staging: Float32Array | null = null

  function pack(gradient: Float32Array, { step, shard }: GradientSource, firstIndex = 0): Uint16Array {
    const packed = scratch.subarray(0, gradient.length)
    arithmetic.roundToBfloat16(stage(gradient), packed, roundingKey(seed, step, shard), firstIndex)
    return packed
  }

  /** Copies a gradient from TensorFlow into the arithmetic's memory, which is faster than rounding it elsewhere. */
  function stage(gradient: Float32Array): Float32Array {
    if (gradient.buffer === scratch.buffer) return gradient
    staging ??= arithmetic.allocate(elements)
    const staged = staging.subarray(0, gradient.length)
    staged.set(gradient)
    return staged
  }

  function unpack(packed: PackedGradient, gradient: Float32Array): void {
    if (packed.buffer === scratch.buffer) arithmetic.expandBfloat16(packed as Uint16Array, gradient)
    else receive(copy => copy.set(packed), gradient)
  }

  function receive(fill: (packed: PackedGradient) => void, gradient: Float32Array): void {
    const packed = scratch.subarray(0, gradient.length)
    fill(packed)
    arithmetic.expandBfloat16(packed, gradient)
  }

  function readFrom({ buffer, byteOffset }: Uint8Array, vector: Float32Array): Float32Array {
    unpack(new Uint16Array(buffer, byteOffset, vector.length), vector)
    return vector
  }

  return { type: 'bfloat16', pack, unpack, receive, readFrom }
}
