import { createHash } from 'node:crypto'

export type ArchitectureOptions = {
  /** Number of outputs of the final softmax, at most 256: labels are bytes. */
  readonly classes: number
  /** Seed of the initial weights, a non-negative integer. */
  readonly seed: number
}

/**
 * A seed for one layer, in 0..2³¹−1: the first 31 bits of SHA-256 over `seed/layer`. Each layer draws independently.
 */
export function layerSeed(seed: number, layer: string): number {
  return createHash('sha256').update(`${seed}/${layer}`).digest().readUInt32BE(0) >>> 1
}
