import type { RunConfig } from '@lockstep/protocol'
import { createJsonReporter } from './json-reporter.ts'
import type { Reporter } from './reporter.ts'
import { createTerminalReporter } from './terminal-reporter.ts'

/** Where a run is told of: to people, and to programs as JSON lines where they want any. */
export type Outputs = { readonly people: NodeJS.WriteStream; readonly json: NodeJS.WriteStream | null }

/** What must be known of a run to show it. */
export type RunView = {
  readonly config: RunConfig
  readonly trainSamples: number
  readonly workersWanted: number
  /** Once it trains, it goes on with so many. */
  readonly quorum: number
  readonly logSteps: boolean
}

/** Several reporters that are told the same; more may come. */
export type Reporters = Reporter & { readonly add: (reporter: Reporter) => void }

/** Where JSON goes to standard output, people read standard error. */
export function chooseOutputs(wantsJson: boolean): Outputs {
  return wantsJson ? { people: process.stderr, json: process.stdout } : { people: process.stdout, json: null }
}

/** Those of a run: for people, and for programs where they want any. */
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
