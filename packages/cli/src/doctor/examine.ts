import { inspectMachine } from '@lockstep/tensorflow'
import { createStyler } from '../terminal/style.ts'
import { readCapacity } from '../train/choose-workers.ts'
import { inspectBatchJobs } from './batch-jobs.ts'
import { inspectDataSets } from './data-sets.ts'
import { describeFindings } from './describe-findings.ts'
import { inspectWorkers } from './workers.ts'

/** Examines this machine and its data sets, and writes the findings as a table or as one line of JSON. */
export async function examine(
  options: { readonly environment: NodeJS.ProcessEnv; readonly asJson: boolean },
  stdout: NodeJS.WritableStream,
): Promise<void> {
  const machine = await inspectMachine({ environment: options.environment })
  const findings = [
    ...machine.findings,
    inspectWorkers(readCapacity()),
    inspectBatchJobs(options.environment),
    ...(await inspectDataSets(options.environment)),
  ]
  const lines = options.asJson ? [JSON.stringify({ findings })] : describeFindings(findings, createStyler(stdout))
  stdout.write(`${lines.join('\n')}\n`)
}
