import { buildModel, toTopology } from '@lockstep/model'
import { type MessageOf, protocolVersion, type RunConfig } from '@lockstep/protocol'
import { exampleRunConfig } from '@lockstep/protocol/testing'

export const token = 'the token of this test'

export const config: RunConfig = { ...exampleRunConfig, epochs: 2, batchSize: 30, shards: 3, seed: 3 }

/** The reference net with 10 classes. */
export const topology = toTopology(buildModel('reference', { classes: 10, seed: config.seed }))

export const runId = 'run-1'

/** The reference net has 258,762 parameters. */
export const welcome: MessageOf<'welcome'> = {
  type: 'welcome',
  runId,
  life: 1,
  workerId: 1,
  config,
  topology,
  layoutHash: 'ab'.repeat(32),
  sizes: {
    weights: 258_762,
    trainable: 258_762,
    moments: 2,
    bytesPerSample: 3072,
    maxSamples: 4000,
    gradientType: 'float32',
  },
  heartbeatMs: 20,
  silenceMs: 60_000,
  sharedMemory: null,
}

export const hello = { type: 'hello', protocol: protocolVersion, token, name: 'w', device: 'cpu', cores: 2 } as const
