import type { Range } from '@lockstep/protocol'

/** The number of global batches in an epoch; the last one may be partial. */
export function stepsPerEpoch(count: number, batchSize: number): number {
  return Math.ceil(count / batchSize)
}

/** The positions of global batch `step` (from 0) in its epoch's order. The last batch has the remaining positions. */
export function batchRange(count: number, batchSize: number, step: number): Range {
  return { start: Math.min(step * batchSize, count), end: Math.min((step + 1) * batchSize, count) }
}

/**
 * Cuts `count` positions into `shards` contiguous ranges of nearly equal size: the first `count mod shards` are one
 * larger. If there are fewer positions than shards, the last shards are empty.
 */
export function cutShards(count: number, shards: number): readonly Range[] {
  const size = Math.floor(count / shards)
  const larger = count % shards
  return Array.from({ length: shards }, (_, index) => ({
    start: index * size + Math.min(index, larger),
    end: (index + 1) * size + Math.min(index + 1, larger),
  }))
}
