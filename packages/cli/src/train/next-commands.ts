import { shellWord } from '@lockstep/protocol'
import { coordinatorDefaults, type LaunchOptions, launchDefaults } from '../flags/launch-options.ts'
import { kebabCase } from '../flags/schema-flags.ts'
import type { TrainingRequest } from './prepare-run.ts'

type Origin = Pick<TrainingRequest, 'settings' | 'hasLocalWorkers'>

/** Options that apply only to a new run: the location of its folder, and the trace of its first steps. */
const ofTheStart: readonly (keyof LaunchOptions)[] = ['runDir', 'runsDir', 'trace', 'traceSteps']

/** The command line that resumes a run with the options with which it was started. */
export function resumeCommand(folder: string, { settings: { launch }, hasLocalWorkers }: Origin): string {
  const [command, defaults] = hasLocalWorkers ? ['train', launchDefaults] : ['coordinator', coordinatorDefaults]
  const keys = (Object.keys(launchDefaults) as (keyof LaunchOptions)[]).filter(key => !ofTheStart.includes(key))
  const flags = keys.filter(key => launch[key] !== defaults[key]).map(key => flagOf(key, launch[key]))
  return ['pnpm cli', command, '--resume', shellWord(folder), ...flags].join(' ')
}

/** The command line that tests a run on the data with which it was started. */
export function evaluateCommand(folder: string, { settings: { launch } }: Origin): string {
  const flags = launch.dataDir === null ? [] : [flagOf('dataDir', launch.dataDir)]
  return ['pnpm cli evaluate', shellWord(folder), ...flags].join(' ')
}

/** A boolean flag is written without a value: its default is false, so it is only given if it is true. */
function flagOf(key: keyof LaunchOptions, value: LaunchOptions[keyof LaunchOptions]): string {
  const flag = `--${kebabCase(key)}`
  return value === true ? flag : `${flag} ${shellWord(String(value))}`
}
