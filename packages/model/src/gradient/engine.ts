/** What a shard's samples add up to. */
export type ShardMetrics = {
  /** Sum over the samples of sparse categorical cross-entropy, in nats. */
  readonly lossSum: number
  /** Samples whose most probable class is their label. */
  readonly correct: number
  readonly count: number
}

export type ShardGradient = ShardMetrics & {
  /**
   * As long as the flat weights: the gradient of the shard's mean loss by the trainable ones, and by how much the shard
   * changes each of the others. Both are means over the shard's samples.
   */
  readonly gradient: Float32Array
}

export type ShardEvaluation = ShardMetrics & {
  /** The most probable class of each sample. */
  readonly predictions: Uint8Array
}

/**
 * Computes losses and gradients of shards. Both functions take the flat weights, the pixels of n samples, each
 * row-major [height, width, channels] in 0..255, and n labels; training also takes a key for each sample, from which
 * all that is random about it is drawn. They keep nothing of their arguments and nothing of one shard for the next.
 */
export type GradientEngine = {
  readonly name: string
  /** In training mode. */
  readonly gradient: (
    weights: Float32Array,
    pixels: Uint8Array,
    labels: Uint8Array,
    keys: Int32Array,
  ) => ShardGradient | Promise<ShardGradient>
  /** In inference mode. */
  readonly evaluate: (
    weights: Float32Array,
    pixels: Uint8Array,
    labels: Uint8Array,
  ) => ShardEvaluation | Promise<ShardEvaluation>
  /** Frees what the engine holds; the model stays usable. */
  readonly dispose: () => void
}
