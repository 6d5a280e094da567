import {
  createVectorPool,
  type GradientFormat,
  type PackedGradient,
  roundingKey,
  type VectorPool,
} from '@lockstep/model/arithmetic'

/** Draws the shards that two workers compute, and holds the pool in which their gradients wait to be compared. */
export type Audit = {
  readonly isDrawn: (step: number, shard: number) => boolean
  readonly packed: VectorPool<PackedGradient>
}

/** Makes this draw differ from that of the rounding, which mixes the same three numbers. */
const salt = 0x61756469

/** Draws this fraction of the shards. The draw depends on seed, step and shard only. */
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
