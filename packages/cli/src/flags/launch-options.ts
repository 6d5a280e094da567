import { z } from 'zod'

/** How and where a run is executed. None of these options changes the trained weights. */
export const launchOptionsSchema = z.strictObject({
  workers: z.int().min(1).max(1024).nullable().describe('worker processes to start on this machine'),
  dataDir: z.string().min(1).nullable().describe('folder with the CIFAR files'),
  runDir: z.string().min(1).nullable().describe('folder of this run; must not hold a run yet'),
  runsDir: z.string().min(1).describe('folder that holds the run folders'),
  listen: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^:]+):\d{1,5}$/, 'expected HOST:PORT')
    .describe('address for workers to connect to; port 0 picks a free one'),
  tokenFile: z.string().min(1).nullable().describe('file with the secret token that workers must present'),
  tlsCert: z.string().min(1).nullable().describe('TLS certificate (PEM); workers then connect by wss://'),
  tlsKey: z.string().min(1).nullable().describe('private key of the certificate (PEM)'),
  topology: z
    .enum(['auto', 'star', 'direct'])
    .describe('exchange gradients through the coordinator (star) or between workers (direct)'),
  audit: z
    .number()
    .min(0)
    .max(1)
    .describe('fraction of shards that a second worker computes as well, to compare bit for bit'),
  minWorkers: z.int().min(1).max(1024).nullable().describe('workers needed to start training and to continue it'),
  supervise: z.boolean().describe('restart the coordinator from its newest checkpoint when it crashes'),
  wait: z.number().min(0).max(86_400).describe('seconds to wait for a worker when all are lost, before the run fails'),
  checkpointEvery: z.int().min(0).describe('also write a checkpoint every N steps, not only after each epoch; 0: no'),
  checkpointMinutes: z.number().min(0).max(10_080).describe('also write a checkpoint every X minutes; 0: no'),
  keep: z.int().min(1).max(1_000_000).describe('number of newest checkpoints to keep, besides that of the best epoch'),
  logSteps: z.boolean().describe('write a line for each step to metrics.jsonl, with its time by phase'),
  trace: z.string().min(1).nullable().describe('write a trace of the first steps, to open in ui.perfetto.dev'),
  traceSteps: z.int().min(1).max(1_000_000).describe('number of steps in the trace'),
  offline: z.boolean().describe('download nothing'),
  json: z.boolean().describe('print JSON lines to standard output; messages go to standard error'),
})

export type LaunchOptions = z.infer<typeof launchOptionsSchema>

export const launchDefaults: LaunchOptions = {
  workers: null,
  dataDir: null,
  runDir: null,
  runsDir: 'runs',
  listen: '127.0.0.1:0',
  tokenFile: null,
  tlsCert: null,
  tlsKey: null,
  topology: 'auto',
  audit: 0,
  minWorkers: null,
  supervise: false,
  wait: 60,
  checkpointEvery: 0,
  checkpointMinutes: 10,
  keep: 3,
  logSteps: false,
  trace: null,
  traceSteps: 1000,
  offline: false,
  json: false,
}

/** Defaults of `coordinator`. The port is fixed, because its workers are started separately and must know it. */
export const coordinatorDefaults: LaunchOptions = { ...launchDefaults, listen: '127.0.0.1:7999' }
