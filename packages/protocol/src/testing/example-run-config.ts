import type { RunConfig } from '../run-config.ts'

/**
 * A complete configuration, of which a test overrides only what matters to it: `{ ...exampleRunConfig, epochs: 2 }`.
 */
export const exampleRunConfig: RunConfig = {
  dataset: 'synthetic',
  model: 'reference',
  epochs: 3,
  batchSize: 50,
  shards: 4,
  seed: 1,
  optimizer: 'adam',
  learningRate: 0.001,
  momentum: 0.9,
  schedule: 'constant',
  warmup: 0,
  weightDecay: 0,
  labelSmoothing: 0,
  augment: false,
  validationSplit: 0.2,
  earlyStopping: 0,
  precision: 'float32',
  compress: 'none',
  engine: 'eager',
  threads: 1,
  limitTrain: null,
  limitTest: null,
}
