import { runConfigSchema } from '@lockstep/protocol'
import { defineCommand } from 'citty'
import { exitCodes } from '../exit-codes.ts'
import { dataPlaces } from '../flags/common-flags.ts'
import { launchDefaults, launchOptionsSchema } from '../flags/launch-options.ts'
import { readSettings, type Settings } from '../flags/read-settings.ts'
import { runConfigDefaults } from '../flags/run-config-defaults.ts'
import { flagsOf } from '../flags/schema-flags.ts'
import type { TrainingRequest } from '../train/prepare-run.ts'

/** The defaults, for the help, of where a run finds its data and where its folder is. */
export const places = { dataDir: dataPlaces, runDir: 'a new one in --runs-dir' }

const chosen = {
  ...places,
  workers: 'depends on cores and batch size',
  threads: 'depends on cores and workers; 1 with --shards or --min-workers',
  shards: 'one per worker, at least --min-workers',
  minWorkers: 'all local ones to start, 1 to continue',
}

const configDefaults = {
  ...runConfigDefaults,
  dataset: 'CIFAR-10, else synthetic',
  epochs: '100; 10 on the synthetic set',
  shards: '--min-workers, else 1',
  threads: 1,
  limitTrain: 'all',
  limitTest: 'all',
}

export const runFlags = {
  ...flagsOf(runConfigSchema.shape, configDefaults),
  config: {
    type: 'string',
    valueHint: 'FILE',
    description: 'JSON file with any of these settings, keys in camelCase; flags take precedence',
  },
  resume: {
    type: 'string',
    valueHint: 'RUN',
    description: 'resume a run from its newest checkpoint: its folder or name, or latest',
  },
} as const

/** Trains with or without a supervisor. Loads only the code that it needs, so that a supervisor stays small. */
export async function conductTraining(request: TrainingRequest): Promise<number> {
  if (request.resume !== null && (await isOver(request.resume, request.settings))) return exitCodes.done
  if (!request.settings.launch.supervise) {
    const { runTraining } = await import('../train/run-training.ts')
    return runTraining(request)
  }
  const { superviseTraining } = await import('../supervise/supervise.ts')
  return superviseTraining(request)
}

async function isOver(reference: string, settings: Settings): Promise<boolean> {
  const { tellEndedRun } = await import('../train/ended-run.ts')
  return tellEndedRun(reference, settings)
}

export const trainCommand = defineCommand({
  meta: { name: 'train', description: 'Train a model with worker processes on this machine.' },
  args: {
    ...runFlags,
    ...flagsOf(
      { shards: runConfigSchema.shape.shards, threads: runConfigSchema.shape.threads, ...launchOptionsSchema.shape },
      { ...launchDefaults, ...chosen },
    ),
  },
  run: async ({ args }) => {
    const settings = await readSettings(args)
    const resume = args.resume === undefined ? null : String(args.resume)
    return conductTraining({ settings, resume, hasLocalWorkers: true })
  },
})
