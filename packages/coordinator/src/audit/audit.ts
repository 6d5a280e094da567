import {
  createVectorPool,
  type GradientFormat,
  type PackedGradient,
  roundingKey,
  type VectorPool,
} from '@lockstep/model/arithmetic'

/** Which shards are computed by two workers, and where their gradients are kept until they agree. */
export type Audit = {
  readonly isDrawn: (step: number, shard: number) => boolean
  readonly packed: VectorPool<PackedGradient>
}

/** Tells the draw from that of rounding, which mixes the same three numbers. */
const salt = 0x61756469

/** Draws this fraction of the shards, by seed, step and shard alone. */
export function createAudit(
  fraction: number,
  seed: number,
  { type }: Pick<GradientFormat, 'type'>,
  elements: number,
): Audit {
  return {
    isDrawn: (step, shard) => roundingKey(seed ^ salt, step, shard) >>> 0 < fraction * 2 ** 32,
    packed: createVectorPool<PackedGradient>(() =>
      type === 'float32' ? new Float32Array(elements) : new Uint16Array(elements),
    ),
  }
}
