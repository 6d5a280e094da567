import { randomBytes } from 'node:crypto'
import { LockstepError, modelTitle, type RunConfig } from '@lockstep/protocol'
import type { Settings } from '../flags/read-settings.ts'
import { defaultEpochs, runConfigDefaults } from '../flags/run-config-defaults.ts'
import { kebabCase } from '../flags/schema-flags.ts'
import { findRun } from '../runs/find-run.ts'
import { folderTime } from '../runs/folder-time.ts'
import { type RunFacts, readRunFacts } from '../runs/run-facts.ts'
import { refuseMove } from './resumable.ts'

/** A run to resume. */
export type Resumed = { readonly folder: string; readonly facts: RunFacts }

/** The full configuration of a new run on this data set, from the given settings, the chosen workers and the defaults. */
export function settleConfig(
  given: Partial<RunConfig>,
  dataset: RunConfig['dataset'],
  { shards, threads }: Pick<RunConfig, 'shards' | 'threads'>,
): RunConfig {
  return checked({ ...runConfigDefaults, epochs: defaultEpochs(dataset), ...given, shards, threads, dataset })
}

function checked(config: RunConfig): RunConfig {
  refuseEmptyShards(config)
  refuseEagerBfloat16(config)
  refuseIdleWarmup(config)
  return config
}

function refuseEmptyShards({ shards, batchSize }: RunConfig): void {
  if (shards <= batchSize) return
  throw new LockstepError('too-many-shards', '--shards: more shards than samples in a batch', {
    kind: 'usage',
    expected: `at most ${batchSize}, the batch size`,
    received: `${shards}`,
    hint: 'Without --shards there is one for each worker: use fewer workers, fewer shards or a larger --batch-size.',
  })
}

function refuseEagerBfloat16({ precision, engine }: RunConfig): void {
  if (precision === 'float32' || engine === 'compiled') return
  throw new LockstepError(
    'precision-engine',
    `--precision ${precision}: the ${engine} engine computes in float32 only`,
    {
      kind: 'usage',
      hint: 'Leave out --engine, or use --precision float32.',
    },
  )
}

function refuseIdleWarmup({ warmup, schedule, epochs }: RunConfig): void {
  if (warmup > 0 && schedule === 'one-cycle') {
    throw new LockstepError('warmup-schedule', '--warmup: the one-cycle schedule rises by itself', {
      kind: 'usage',
      hint: 'Leave out --warmup, or use another --schedule.',
    })
  }
  if (warmup < epochs) return
  throw new LockstepError('warmup-epochs', '--warmup: the learning rate would rise to the end of the run', {
    kind: 'usage',
    expected: `less than ${epochs}, the epochs`,
    received: String(warmup),
  })
}

/** Finds a run to resume. Only its number of epochs may change. Throws `resume-changed`, `resume-elsewhere`. */
export async function findResumed(reference: string, settings: Settings): Promise<Resumed> {
  refuseMove(settings.launch.runDir)
  const folder = await findRun(reference, settings.launch.runsDir)
  const facts = await readRunFacts(folder)
  const { epochs = facts.config.epochs, ...others } = settings.config
  for (const [key, value] of Object.entries(others)) {
    const recorded = facts.config[key as keyof RunConfig]
    if (value === recorded) continue
    throw new LockstepError('resume-changed', `--${kebabCase(key)} cannot change when a run is resumed`, {
      kind: 'usage',
      expected: String(recorded),
      received: String(value),
      hint: 'Of the settings that decide the weights, only --epochs can change. For anything else start a new run.',
    })
  }
  const config = checked({ ...facts.config, epochs })
  return { folder, facts: { ...facts, config } }
}

/** The default name of a new run's folder. */
export function newRunName(config: RunConfig, now: Date): string {
  return `${folderTime(now)}-${modelTitle(config.model)}-${config.dataset}`
}

export function newRunId(): string {
  return randomBytes(8).toString('hex')
}
