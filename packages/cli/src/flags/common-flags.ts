import { availableParallelism } from 'node:os'
import type { ArgsDef } from 'citty'
import { launchDefaults, launchOptionsSchema } from './launch-options.ts'
import { readThreads } from './read-whole.ts'

/** Where a data set's files come from without `--data-dir`, for the help. */
export const dataPlaces = 'LOCKSTEP_DATA_DIR, then the cache, then a download'

/** Which weights of a run a command uses: the last ones, or those of the epoch with the lowest validation loss. */
export const weightsNames = ['last', 'best'] as const

export type WeightsName = (typeof weightsNames)[number]

/** Flags that several of the commands on a run share. */
export const commonFlags = {
  run: { type: 'positional', required: true, valueHint: 'RUN', description: 'folder or name of a run, or latest' },
  'data-dir': {
    type: 'string',
    valueHint: 'DIR',
    description: `folder with the CIFAR files (default: ${dataPlaces})`,
  },
  'runs-dir': { type: 'string', default: launchDefaults.runsDir, valueHint: 'DIR', description: 'folder of the runs' },
  weights: {
    type: 'enum',
    options: [...weightsNames],
    default: 'last',
    description: 'weights: those at the end, or those of the epoch with the lowest validation loss',
  },
  threads: { type: 'string', valueHint: 'N', description: 'TensorFlow threads (default: all cores)' },
  offline: { type: 'boolean', description: launchOptionsSchema.shape.offline.description },
} as const satisfies ArgsDef

/** The number of threads that the common flag `threads` asks for, by default all cores. Throws as `readWhole` does. */
export function threadsOrAllCores(text: string | undefined): number {
  return text === undefined ? availableParallelism() : readThreads(text)
}
