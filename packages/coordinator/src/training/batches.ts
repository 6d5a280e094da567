import {
  batchRange,
  cutShards,
  epochOrder,
  gather,
  type ImageSplit,
  roomFor,
  sampleKeys,
  stepsPerEpoch,
} from '@lockstep/data'
import type { RunConfig } from '@lockstep/protocol'

/** Samples as sent to workers: pixels count × 32 × 32 × 3, labels count, keys count. */
export type Samples = { readonly pixels: Uint8Array; readonly labels: Uint8Array; readonly keys: Int32Array }

/** The non-empty shards of a batch, with their index. They are the same for any set of workers. */
export type BatchShards = readonly {
  readonly shard: number
  readonly count: number
  /**
   * Copies the samples of the shard to memory of their size; by default to the same for all shards of the epoch, where
   * they are valid until the next one is read.
   */
  read(into?: Samples): Samples
}[]

/** The global batches of one epoch: each is a fixed list of samples with a fixed cut into shards. */
export type EpochBatches = {
  readonly batches: number
  readonly shards: (batch: number) => BatchShards
}

/** The most samples in a shard, for `trainCount` training samples. */
export function largestShard({ batchSize, shards }: RunConfig, trainCount: number): number {
  return Math.ceil(Math.min(batchSize, trainCount) / shards)
}

/** Cuts the epoch, shuffled by (seed, epoch), into global batches and those into shards. */
export function epochBatches(split: ImageSplit, config: RunConfig, epoch: number): EpochBatches {
  const order = epochOrder({ seed: config.seed, epoch, count: split.count })
  const room = roomFor(largestShard(config, split.count))
  const readSamples = (indices: Uint32Array, into: Partial<Samples> = {}): Samples => ({
    ...gather(split, indices, { ...room, ...into }),
    keys: sampleKeys({ seed: config.seed, epoch, indices }, into.keys),
  })
  return {
    batches: stepsPerEpoch(split.count, config.batchSize),
    shards: batch => {
      const { start, end } = batchRange(split.count, config.batchSize, batch)
      const cuts = cutShards(end - start, config.shards).map((cut, shard) => ({
        shard,
        count: cut.end - cut.start,
        read: (into?: Samples) => readSamples(order.subarray(start + cut.start, start + cut.end), into),
      }))
      return cuts.filter(cut => cut.count > 0)
    },
  }
}
