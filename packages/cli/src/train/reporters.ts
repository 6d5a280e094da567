import { createJsonReporter } from './json-reporter.ts'
import type { PreparedRun } from './prepare-run.ts'
import type { Reporter } from './reporter.ts'
import { createTerminalReporter } from './terminal-reporter.ts'

/** Several reporters that are told the same; more may come. */
export type Reporters = Reporter & { readonly add: (reporter: Reporter) => void }

/** Those of a run: for people, and with `--json` for scripts. */
export function createReporters(
  { plan, launch, minWorkers }: PreparedRun,
  people: NodeJS.WriteStream,
  json: boolean,
): Reporters {
  const terminal = { stream: people, config: plan.config, trainSamples: plan.train.count, workersWanted: minWorkers }
  const reporters = [
    createTerminalReporter(terminal),
    ...(json ? [createJsonReporter(process.stdout, { steps: launch.logSteps })] : []),
  ]
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
