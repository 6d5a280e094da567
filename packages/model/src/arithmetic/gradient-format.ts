import type { RunConfig } from '@lockstep/protocol'
import type { Arithmetic } from './arithmetic.ts'
import { roundingKey } from './rounding.ts'

/** A gradient as it travels: float32, or bfloat16 elements. */
export type PackedGradient = Float32Array | Uint16Array

/** How the gradients of a run travel, those of shards to the coordinator and their mean back. */
export type GradientFormat = {
  readonly type: 'float32' | 'bfloat16'
  /** A vector to pack into, allocated by the run's arithmetic. */
  readonly allocate: (elements: number) => PackedGradient
  /**
   * Writes the gradient of a shard at a step, or the mean of all of them, as it is to travel. Where it is rounded, that
   * depends on seed, step and shard alone. `firstIndex` tells where in the whole vector a slice begins.
   */
  readonly pack: (gradient: Float32Array, packed: PackedGradient, source: GradientSource, firstIndex?: number) => void
  /** Writes the gradient that has travelled; exact. */
  readonly unpack: (packed: PackedGradient, gradient: Float32Array) => void
}

export type GradientSource = { readonly step: number; readonly shard: number | 'mean' }

/** The format that a run's configuration asks for. Vectors of one call are of one length. */
export function createGradientFormat(
  { compress, seed }: Pick<RunConfig, 'compress' | 'seed'>,
  arithmetic: Arithmetic,
): GradientFormat {
  if (compress === 'none') {
    return {
      type: 'float32',
      allocate: arithmetic.allocate,
      pack: (gradient, packed) => packed.set(gradient),
      unpack: (packed, gradient) => gradient.set(packed),
    }
  }
  return {
    type: 'bfloat16',
    allocate: arithmetic.allocateBfloat16,
    pack: (gradient, packed, { step, shard }, firstIndex = 0) =>
      arithmetic.roundToBfloat16(gradient, packed as Uint16Array, roundingKey(seed, step, shard), firstIndex),
    unpack: (packed, gradient) => arithmetic.expandBfloat16(packed as Uint16Array, gradient),
  }
}
