import type { RunConfig } from '@lockstep/protocol'
import { createJsonReporter } from './json-reporter.ts'
import type { Reporter } from './reporter.ts'
import { createTerminalReporter } from './terminal-reporter.ts'

/** The outputs of a run: for people, and for programs as JSON lines if requested. */
export type Outputs = { readonly people: NodeJS.WriteStream; readonly json: NodeJS.WriteStream | null }

/** The facts about a run that are needed to show it. */
export type RunView = {
  readonly config: RunConfig
  readonly trainSamples: number
  readonly workersWanted: number
  /** The least number of workers to continue training. */
  readonly quorum: number
  readonly logSteps: boolean
}

/** Several reporters that get the same events; more can be added. */
export type Reporters = Reporter & { readonly add: (reporter: Reporter) => void }

/** If JSON goes to standard output, the output for people goes to standard error. */
export function chooseOutputs(wantsJson: boolean): Outputs {
  return wantsJson ? { people: process.stderr, json: process.stdout } : { people: process.stdout, json: null }
}

/** Creates the reporters of a run: for people, and for programs if requested. */
export function createReporters({ people, json }: Outputs, view: RunView): Reporters {
  const { logSteps } = view
  const reporters = [createTerminalReporter({ stream: people, ...view })]
  if (json !== null) reporters.push(createJsonReporter(json, { steps: logSteps }))
  return {
    event: event => {
      for (const reporter of reporters) reporter.event(event)
    },
    note: text => {
      for (const reporter of reporters) reporter.note(text)
    },
    stop: async () => {
      await Promise.all(reporters.map(reporter => reporter.stop()))
    },
    add: reporter => void reporters.push(reporter),
  }
}
