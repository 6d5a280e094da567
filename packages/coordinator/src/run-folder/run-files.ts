/** Names in a run folder, for those who write it and those who read it. */
export const runFiles = {
  config: 'config.json',
  metrics: 'metrics.jsonl',
  summary: 'summary.json',
  log: 'log.jsonl',
  checkpoints: 'checkpoints',
  model: 'model',
  plots: 'plots',
} as const
