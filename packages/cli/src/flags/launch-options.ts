import { z } from 'zod'

/** How and where a run is carried out. None of it changes the trained weights. */
export const launchOptionsSchema = z.strictObject({
  workers: z.int().min(1).max(1024).nullable().describe('local worker processes'),
  dataDir: z.string().min(1).nullable().describe('folder with the CIFAR files'),
  runDir: z.string().min(1).nullable().describe('folder of this run, in which there is none yet'),
  runsDir: z.string().min(1).describe('folder under which runs are named by time'),
  listen: z
    .string()
    .regex(/^(\[[0-9a-fA-F:]+\]|[^:]+):\d{1,5}$/, 'expected HOST:PORT')
    .describe('address that workers connect to; port 0 is any free one'),
  tokenFile: z.string().min(1).nullable().describe('file with the token that workers must show'),
  tlsCert: z.string().min(1).nullable().describe('certificate (PEM): workers connect by wss://'),
  tlsKey: z.string().min(1).nullable().describe('its private key (PEM)'),
  topology: z.enum(['auto', 'star', 'direct']).describe('way of the gradients: by the coordinator or among workers'),
  audit: z
    .number()
    .min(0)
    .max(1)
    .describe('fraction of the shards that two workers compute, to be compared to the bit'),
  minWorkers: z.int().min(1).max(1024).nullable().describe('workers without which training neither starts nor goes on'),
  supervise: z.boolean().describe('start a coordinator that crashes again, from its newest checkpoint'),
  wait: z.number().min(0).max(86_400).describe('seconds to wait for a worker when all are lost'),
  checkpointEvery: z.int().min(0).describe('steps between checkpoints beside those after each epoch, 0: none'),
  checkpointMinutes: z
    .number()
    .min(0)
    .max(10_080)
    .describe('minutes between checkpoints beside those after each epoch, 0: none'),
  keep: z.int().min(1).max(1_000_000).describe('checkpoints that are kept, the newest ones'),
  logSteps: z.boolean().describe('a line in metrics.jsonl for each step, with its times by phase'),
  trace: z.string().min(1).nullable().describe('write the first steps as a trace, which ui.perfetto.dev opens'),
  traceSteps: z.int().min(1).max(1_000_000).describe('steps in the trace'),
  offline: z.boolean().describe('never use the network'),
  json: z.boolean().describe('JSON lines on standard output'),
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

/** Those of a coordinator whose workers are started elsewhere: they must know the port. */
export const coordinatorDefaults: LaunchOptions = { ...launchDefaults, listen: '127.0.0.1:7999' }
