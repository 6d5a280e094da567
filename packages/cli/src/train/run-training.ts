import type { RunSummary } from '@lockstep/coordinator'
import type { Provisioned } from '@lockstep/tensorflow'
import { exitCodes } from '../exit-codes.ts'
import { workerGraceMs } from '../local-workers/local-workers.ts'
import { startRunWorkers } from '../local-workers/start-run-workers.ts'
import { provision } from '../provision.ts'
import { describeStart } from './describe-run.ts'
import { finishRun } from './finish-run.ts'
import { type Interrupt, listenForInterrupt, stopNotice, unlessStopped } from './interrupt.ts'
import { addLog } from './log-reporter.ts'
import { type PreparedRun, prepareRun, type TrainingRequest } from './prepare-run.ts'
import { chooseOutputs, createReporters, type Outputs, type Reporters } from './reporters.ts'
import { readToken } from './secrets.ts'
import { startRun } from './start-run.ts'
import { viewOf, workersSpecOf } from './views.ts'

/** Runs a whole training, from the first check to the last plot. Returns the exit code. */
export async function runTraining(request: TrainingRequest): Promise<number> {
  const { json, offline, tokenFile } = request.settings.launch
  const outputs = chooseOutputs(json)
  const { people } = outputs
  const token = await readToken(tokenFile)
  const interrupt = listenForInterrupt()
  try {
    const prepared = await unlessStopped(interrupt.signal, prepareRun({ ...request, token }, people))
    try {
      const provisioned = request.hasLocalWorkers
        ? await unlessStopped(interrupt.signal, provision(offline, people))
        : null
      people.write(describeStart(prepared, provisioned))
      return await carryOut({ request, prepared, provisioned }, outputs, interrupt)
    } finally {
      await prepared.claim.release()
    }
  } finally {
    interrupt.release()
  }
}

type Undertaking = {
  readonly request: TrainingRequest
  readonly prepared: PreparedRun
  readonly provisioned: Provisioned | null
}

async function carryOut(
  { request, prepared, provisioned }: Undertaking,
  outputs: Outputs,
  interrupt: Interrupt,
): Promise<number> {
  const reporters = createReporters(outputs, viewOf(prepared))
  interrupt.signal.addEventListener('abort', () => reporters.note(stopNotice))
  const training = conduct(prepared, provisioned, reporters, interrupt)
  // Stop the reporters before writing more: a bar that is redrawn in place would overwrite the lines below it.
  const summary = await Promise.race([training, interrupt.insisted.then(() => null)]).finally(reporters.stop)
  return summary === null
    ? exitCodes.interrupted
    : await finishRun({ summary, folder: prepared.folder, request }, outputs)
}

/** Runs the coordinator and its local workers, from start to end. */
async function conduct(
  prepared: PreparedRun,
  provisioned: Provisioned | null,
  reporters: Reporters,
  { signal: stop }: Interrupt,
): Promise<RunSummary> {
  const coordinator = await startRun(prepared, {
    stop,
    onEvent: reporters.event,
    onFolder: (path, notices) => addLog(reporters, path, notices),
    provisioned,
  })
  const { token } = prepared
  const spec = workersSpecOf(prepared, coordinator.url)
  const workers =
    provisioned === null
      ? null
      : startRunWorkers({ ...spec, token, provisioned, coordinator, stop, note: reporters.note })
  try {
    return await coordinator.finished
  } finally {
    await workers?.stop(workerGraceMs)
  }
}
