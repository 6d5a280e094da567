import type { DataSetName, RunConfig } from '@lockstep/protocol'

/** The reference run: batch 50, Adam at 0.001, the last fifth for validation. Shards and threads depend on the workers. */
export const runConfigDefaults: Omit<RunConfig, 'dataset' | 'epochs' | 'shards' | 'threads'> = {
  model: 'reference',
  batchSize: 50,
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
  engine: 'compiled',
  limitTrain: null,
  limitTest: null,
}

export function defaultEpochs(dataset: DataSetName): number {
  return dataset === 'synthetic' ? 10 : 100
}
