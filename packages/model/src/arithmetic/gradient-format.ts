import type { RunConfig } from '@lockstep/protocol'
import type { Arithmetic } from './arithmetic.ts'
import { roundingKey } from './rounding.ts'

/** A gradient as it travels: float32, or bfloat16 elements. */
export type PackedGradient = Float32Array | Uint16Array

/** Whose gradient: a shard's at a step, or the mean of all of them. */
export type GradientSource = { readonly step: number; readonly shard: number | 'mean' }

/** How the gradients of a run travel, those of shards to the coordinator and their mean back. */
export type GradientFormat = {
  readonly type: 'float32' | 'bfloat16'
  /**
   * A gradient as it is to travel: itself, or rounded in a vector that stays as it is until the next call. Rounding
   * depends on seed, step and shard alone. `firstIndex` tells where in the whole vector a slice begins.
   */
  readonly pack: (gradient: Float32Array, source: GradientSource, firstIndex?: number) => PackedGradient
  /** Writes what is left of a gradient that travels. */
  readonly unpack: (packed: PackedGradient, gradient: Float32Array) => void
  /** The same for one that `fill` copies from where it has arrived. */
  readonly receive: (fill: (packed: PackedGradient) => void, gradient: Float32Array) => void
}

const float32Format: GradientFormat = {
  type: 'float32',
  pack: gradient => gradient,
  unpack: (packed, gradient) => {
    if (packed !== gradient) gradient.set(packed)
  },
  receive: (fill, gradient) => fill(gradient),
}

/** The format that a run's configuration asks for, for gradients of at most so many elements. */
export function createGradientFormat(
  { compress, seed }: Pick<RunConfig, 'compress' | 'seed'>,
  arithmetic: Arithmetic,
  elements: number,
): GradientFormat {
  return compress === 'none' ? float32Format : createBfloat16Format(seed, arithmetic, elements)
}

/** What a format allocates of an arithmetic's memory at most, in bytes. */
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

  /** A gradient fresh from TensorFlow is copied to where the arithmetic is fast, which takes less than rounding it elsewhere. */
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

  return { type: 'bfloat16', pack, unpack, receive }
}
