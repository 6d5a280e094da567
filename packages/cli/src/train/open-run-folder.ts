import { basename } from 'node:path'
import { createRunFolder, describeUnusable, type RunFolder, reopenRunFolder, systemDisk } from '@lockstep/coordinator'
import type { RunFacts } from '../runs/run-facts.ts'
import { openLogReporter } from './log-reporter.ts'
import type { PreparedRun } from './prepare-run.ts'
import type { Reporters } from './reporters.ts'

/** Claims the folder of a prepared run, begins it or goes on with it, and has its log written. */
export async function openFolder(prepared: PreparedRun, reporters: Reporters): Promise<RunFolder> {
  const { plan, resumed, folder, claim, launch } = prepared
  const { history, step } = plan.state
  const facts = factsOf(prepared)
  const options = { keep: launch.keep, onEvent: reporters.event, claim: claim.renew }
  await claim.take()
  const unusable = resumed?.unusable.map(({ name }) => name) ?? []
  const opened = await (resumed === null
    ? createRunFolder(folder, facts, systemDisk, options)
    : reopenRunFolder(folder, { epochs: history.epochs, step, unusable }, facts, systemDisk, options))
  const log = await openLogReporter(folder, reason => reporters.note(`WARNING: the log is kept in memory: ${reason}`))
  reporters.add(log)
  if (resumed !== null)
    for (const text of [...describeUnusable(resumed), `goes on from ${resumed.name}`]) log.note(text)
  return opened
}

function factsOf({ plan, resumed, folder }: PreparedRun): RunFacts {
  return {
    runId: plan.identity.runId,
    name: basename(folder),
    createdAt: resumed?.facts.createdAt ?? new Date().toISOString(),
    dataSource: plan.dataSource,
    dataSha256: plan.identity.dataSha256,
    layoutHash: plan.identity.layoutHash,
    classNames: [...plan.classNames],
    config: plan.config,
  }
}
