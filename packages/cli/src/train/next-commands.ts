import { shellWord } from '@lockstep/protocol'
import { coordinatorDefaults, type LaunchOptions, launchDefaults } from '../flags/launch-options.ts'
import { kebabCase } from '../flags/schema-flags.ts'
import type { TrainingRequest } from './prepare-run.ts'

type Origin = Pick<TrainingRequest, 'settings' | 'hasLocalWorkers'>

/** What a resumed run needs again: where its workers find it, and its data. */
const neededAgain = ['listen', 'tokenFile', 'tlsCert', 'tlsKey', 'dataDir'] as const satisfies (keyof LaunchOptions)[]

/** The command line that goes on with a run as it was started. */
export function resumeCommand(folder: string, { settings: { launch }, hasLocalWorkers }: Origin): string {
  const [command, defaults] = hasLocalWorkers ? ['train', launchDefaults] : ['coordinator', coordinatorDefaults]
  const flags = neededAgain.filter(key => launch[key] !== defaults[key]).map(key => flagOf(key, launch[key]))
  return ['pnpm cli', command, '--resume', shellWord(folder), ...flags].join(' ')
}

/** The command line that tests a run on the data that it was started with. */
export function evaluateCommand(folder: string, { settings: { launch } }: Origin): string {
  const flags = launch.dataDir === null ? [] : [flagOf('dataDir', launch.dataDir)]
  return ['pnpm cli evaluate', shellWord(folder), ...flags].join(' ')
}

function flagOf(key: keyof LaunchOptions, value: string | null): string {
  return `--${kebabCase(key)} ${shellWord(value ?? '')}`
}
