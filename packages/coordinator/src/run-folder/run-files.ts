/** File names in a run folder, shared by code that writes and reads them. */
export const runFiles = {
  config: 'config.json',
  metrics: 'metrics.jsonl',
  summary: 'summary.json',
  log: 'log.jsonl',
  checkpoints: 'checkpoints',
  model: 'model',
  plots: 'plots',
} as const
