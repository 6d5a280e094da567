import { type Coordinator, type RunSummary, startCoordinator } from '@lockstep/coordinator'
import { describeError, LockstepError } from '@lockstep/protocol'
import type { Provisioned } from '@lockstep/tensorflow'
import { exitCodes } from '../exit-codes.ts'
import type { Settings } from '../flags/read-settings.ts'
import { employ } from '../local-workers/employ.ts'
import type { LocalWorkers } from '../local-workers/local-workers.ts'
import { writeRunPlots } from '../plots/run-plots.ts'
import { provision } from '../provision.ts'
import { describeEnd, describeStart } from './describe-run.ts'
import { type Interrupt, listenForInterrupt } from './interrupt.ts'
import { localUrl } from './listen-address.ts'
import { openFolder } from './open-run-folder.ts'
import { phaseTable } from './phase-table.ts'
import { type PreparedRun, prepareRun } from './prepare-run.ts'
import { createReporters, type Reporters } from './reporters.ts'

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
  try {
    const provisioned = hasLocalWorkers ? await provision(offline, people) : null
    people.write(describeStart(prepared, provisioned))
    return await carryOut(prepared, provisioned, people, json)
  } finally {
    await prepared.claim.release()
  }
}

async function carryOut(
  prepared: PreparedRun,
  provisioned: Provisioned | null,
  people: NodeJS.WriteStream,
  json: boolean,
): Promise<number> {
  const reporters = createReporters(prepared, people, json)
  const interrupt = listenForInterrupt(() =>
    reporters.note('finishing the step, then a checkpoint; Ctrl-C again stops at once'),
  )
  try {
    const summary = await Promise.race([
      conduct(prepared, provisioned, reporters, interrupt),
      interrupt.insisted.then(() => null),
    ])
    if (summary === null) return exitCodes.interrupted
    await finish(summary, prepared, people, json)
    return summary.status === 'interrupted' ? exitCodes.interrupted : exitCodes.done
  } finally {
    await reporters.stop()
    interrupt.release()
  }
}

/** The coordinator and its local workers, from their start to their end. */
async function conduct(
  prepared: PreparedRun,
  provisioned: Provisioned | null,
  reporters: Reporters,
  interrupt: Interrupt,
): Promise<RunSummary> {
  const { plan, launch, address, token, tls } = prepared
  const coordinator = await startCoordinator({
    plan,
    openFolder: () => openFolder(prepared, reporters),
    listen: { ...address, tls },
    token,
    minWorkers: prepared.minWorkers,
    quorum: prepared.quorum,
    waitMs: launch.wait * 1000,
    topology: launch.topology,
    audit: launch.audit,
    shareMemory: process.env.LOCKSTEP_SHARED_MEMORY !== 'off',
    checkpointEvery: launch.checkpointEvery,
    checkpointMinutes: launch.checkpointMinutes,
    logSteps: launch.logSteps,
    trace: launch.trace === null ? null : { file: launch.trace, steps: launch.traceSteps },
    stop: interrupt.signal,
    onEvent: reporters.event,
  })
  const workers = provisioned === null ? null : employWorkers(prepared, provisioned, coordinator, reporters.note)
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

async function finish(summary: RunSummary, prepared: PreparedRun, people: NodeJS.WriteStream, json: boolean) {
  await drawPlots(prepared.folder, people)
  const table = json ? [] : phaseTable(summary)
  if (table.length > 0) people.write(`\n${table.join('\n')}\n`)
  people.write(describeEnd(summary, prepared.folder))
  if (json) process.stdout.write(`${JSON.stringify(summary)}\n`)
}

/** They are made of what is on the disk: a disk that has no room for them fails no run. */
async function drawPlots(folder: string, people: NodeJS.WriteStream): Promise<void> {
  try {
    await writeRunPlots(folder)
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error
    people.write(`no plots: ${describeError(error)}\n  \`pnpm cli plot ${folder}\` draws them.\n`)
  }
}
