import type { CoordinatorOptions } from '../coordinator.ts'

/** Options for a coordinator on a free port of this machine, with one worker and no optional features. */
export const plainOptions = {
  listen: { host: '127.0.0.1', port: 0, tls: null },
  minWorkers: 1,
  waitMs: 60_000,
  shareMemory: true,
  topology: 'star',
  audit: 0,
  checkpointEvery: 0,
  checkpointMinutes: 0,
  logSteps: false,
  trace: null,
} satisfies Partial<CoordinatorOptions>
