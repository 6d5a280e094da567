/** Metrics summed over a shard's samples. */
export type ShardMetrics = {
  /** Sum over the samples of sparse categorical cross-entropy, in nats. */
  readonly lossSum: number
  /** Number of samples whose most probable class is their label. */
  readonly correct: number
  readonly count: number
}

export type ShardGradient = ShardMetrics & {
  /**
   * A vector as long as the flat weights. For trainable weights it holds the gradient of the shard's mean loss, for the
   * others the change that the shard makes to them. Both are means over the shard's samples.
   */
  readonly gradient: Float32Array
}

export type ShardEvaluation = ShardMetrics & {
  /** The most probable class of each sample. */
  readonly predictions: Uint8Array
}

/**
 * Computes losses and gradients of shards. Both functions take the flat weights, the pixels of n samples, each
 * row-major [height, width, channels] in 0..255, and n labels. Training also takes a key for each sample, from which
 * everything random about the sample is drawn. The functions keep neither their arguments nor state between shards.
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
  /** Frees the engine's resources; the model stays usable. */
  readonly dispose: () => void
}
