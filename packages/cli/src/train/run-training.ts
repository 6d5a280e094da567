import { basename } from 'node:path'
import {
  type Coordinator,
  createRunFolder,
  type RunFolder,
  type RunSummary,
  reopenRunFolder,
  startCoordinator,
} from '@lockstep/coordinator'
import type { Provisioned } from '@lockstep/tensorflow'
import { exitCodes } from '../exit-codes.ts'
import type { Settings } from '../flags/read-settings.ts'
import { employ } from '../local-workers/employ.ts'
import type { LocalWorkers } from '../local-workers/local-workers.ts'
import { writeRunPlots } from '../plots/run-plots.ts'
import { provision } from '../provision.ts'
import type { RunFacts } from '../runs/run-facts.ts'
import { describeEnd, describeStart } from './describe-run.ts'
import { type Interrupt, listenForInterrupt } from './interrupt.ts'
import { createJsonReporter } from './json-reporter.ts'
import { localUrl } from './listen-address.ts'
import { createLogReporter } from './log-reporter.ts'
import { phaseTable } from './phase-table.ts'
import { type PreparedRun, prepareRun } from './prepare-run.ts'
import { combineReporters, type Reporter } from './reporter.ts'
import { createTerminalReporter } from './terminal-reporter.ts'

/** How long local workers have to say goodbye at the end of a run. */
const workerGraceMs = 5_000

export type TrainingRequest = {
  readonly settings: Settings
  /** The run to go on with, or null for a new one. */
  readonly resume: string | null
  /** False for a pure coordinator, whose workers are started elsewhere. */
  readonly hasLocalWorkers: boolean
}

/** Trains from the first check to the last plot. Returns the exit code. */
export async function runTraining(request: TrainingRequest): Promise<number> {
  const { settings, resume, hasLocalWorkers } = request
  const { json, offline } = settings.launch
  const people = json ? process.stderr : process.stdout
  const prepared = await prepareRun(settings, resume, hasLocalWorkers, people)
  const provisioned = hasLocalWorkers ? await provision(offline, people) : null
  people.write(describeStart(prepared, provisioned))

  const reporter = createReporters(prepared, people, json)
  const interrupt = listenForInterrupt(() =>
    reporter.current().note('finishing the step, then a checkpoint; Ctrl-C again stops at once'),
  )
  try {
    const summary = await Promise.race([
      conduct(prepared, provisioned, reporter, interrupt),
      interrupt.insisted.then(() => null),
    ])
    if (summary === null) return exitCodes.interrupted
    await finish(summary, prepared, people, json)
    return summary.status === 'interrupted' ? exitCodes.interrupted : exitCodes.done
  } finally {
    reporter.current().stop()
    interrupt.release()
  }
}

/** The coordinator and its local workers, from their start to their end. */
async function conduct(
  prepared: PreparedRun,
  provisioned: Provisioned | null,
  reporter: Reporters,
  interrupt: Interrupt,
): Promise<RunSummary> {
  const { plan, launch, address, token, tls } = prepared
  const coordinator = await startCoordinator({
    plan,
    openFolder: () => openFolder(prepared, reporter),
    listen: { ...address, tls },
    token,
    minWorkers: prepared.minWorkers,
    quorum: prepared.quorum,
    waitMs: launch.wait * 1000,
    topology: launch.topology,
    shareMemory: process.env.LOCKSTEP_SHARED_MEMORY !== 'off',
    checkpointEvery: launch.checkpointEvery,
    logSteps: launch.logSteps,
    trace: launch.trace === null ? null : { file: launch.trace, steps: launch.traceSteps },
    stop: interrupt.signal,
    onEvent: event => reporter.current().event(event),
  })
  const workers =
    provisioned === null
      ? null
      : employWorkers(prepared, provisioned, coordinator, text => reporter.current().note(text))
  try {
    return await coordinator.finished
  } finally {
    await workers?.stop(workerGraceMs)
  }
}

function employWorkers(
  { plan, launch, crew, address, token, tls }: PreparedRun,
  provisioned: Provisioned,
  coordinator: Coordinator,
  note: (text: string) => void,
): LocalWorkers {
  return employ({
    count: crew.workers,
    threads: plan.config.threads,
    order: { url: localUrl(coordinator.url, address.host), token, certificate: tls?.cert ?? null, provisioned },
    minWorkers: launch.minWorkers,
    othersMayCome: launch.tokenFile !== null,
    coordinator,
    note,
  })
}

async function openFolder(prepared: PreparedRun, reporter: Reporters): Promise<RunFolder> {
  const { plan, resumed, folder } = prepared
  const facts: RunFacts = {
    runId: plan.identity.runId,
    name: basename(folder),
    createdAt: resumed?.facts.createdAt ?? new Date().toISOString(),
    dataSource: plan.dataSource,
    dataSha256: plan.identity.dataSha256,
    layoutHash: plan.identity.layoutHash,
    classNames: [...plan.classNames],
    config: plan.config,
  }
  const opened =
    resumed === null
      ? await createRunFolder(folder, facts)
      : await reopenRunFolder(folder, { epochs: plan.state.history.epochs, step: plan.state.step }, facts)
  reporter.add(createLogReporter(folder))
  return opened
}

type Reporters = { readonly current: () => Reporter; readonly add: (reporter: Reporter) => void }

function createReporters(prepared: PreparedRun, people: NodeJS.WriteStream, json: boolean): Reporters {
  const { plan, launch, minWorkers } = prepared
  const terminal = { stream: people, config: plan.config, trainSamples: plan.train.count, workersWanted: minWorkers }
  const reporters = [
    createTerminalReporter(terminal),
    ...(json ? [createJsonReporter(process.stdout, { steps: launch.logSteps })] : []),
  ]
  return { current: () => combineReporters(reporters), add: reporter => void reporters.push(reporter) }
}

async function finish(summary: RunSummary, prepared: PreparedRun, people: NodeJS.WriteStream, json: boolean) {
  await writeRunPlots(prepared.folder)
  const table = json ? [] : phaseTable(summary)
  if (table.length > 0) people.write(`\n${table.join('\n')}\n`)
  people.write(describeEnd(summary, prepared.folder))
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`)
}
