import { availableParallelism } from 'node:os'
import type { ArgsDef } from 'citty'
import { launchDefaults, launchOptionsSchema } from './launch-options.ts'
import { readThreads } from './read-whole.ts'

/** Where the files of a data set are looked for without `--data-dir`. */
export const dataPlaces = 'LOCKSTEP_DATA_DIR, then the cache, then a download'

/** Which weights of a run a command takes: those that training came to, or those of the epoch with the lowest validation loss. */
export const weightsNames = ['last', 'best'] as const

export type WeightsName = (typeof weightsNames)[number]

/** What several of the commands on a run take. */
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

/** What `threads` of the common flags stands for. Throws as `readWhole` does. */
export function threadsOrAllCores(text: string | undefined): number {
  return text === undefined ? availableParallelism() : readThreads(text)
}
