import { inspectMachine } from '@lockstep/tensorflow'
import { defineCommand } from 'citty'
import { inspectBatchJobs } from '../doctor/batch-jobs.ts'
import { inspectCrew } from '../doctor/crew.ts'
import { inspectDataSets } from '../doctor/data-sets.ts'
import { describeFindings } from '../doctor/describe-findings.ts'
import { createStyler } from '../terminal/style.ts'
import { readCapacity } from '../train/choose-crew.ts'

export const doctorCommand = defineCommand({
  meta: { name: 'doctor', description: 'Show what this machine has for training, what is missing and how to get it.' },
  args: {
    json: { type: 'boolean', description: 'JSON on standard output' },
  },
  run: ({ args }) => examine({ environment: process.env, asJson: args.json === true }, process.stdout),
})

/** Examines this machine and its data sets, and writes the findings as a table or as one line of JSON. */
export async function examine(
  options: { readonly environment: NodeJS.ProcessEnv; readonly asJson: boolean },
  stdout: NodeJS.WritableStream,
): Promise<void> {
  const machine = await inspectMachine({ environment: options.environment })
  const findings = [
    ...machine.findings,
    inspectCrew(readCapacity()),
    inspectBatchJobs(options.environment),
    ...(await inspectDataSets(options.environment)),
  ]
  const lines = options.asJson ? [JSON.stringify({ findings })] : describeFindings(findings, createStyler(stdout))
  stdout.write(`${lines.join('\n')}\n`)
}
