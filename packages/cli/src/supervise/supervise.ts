import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { runFiles } from '@lockstep/coordinator'
import { hasSystemCode, interrupted, LockstepError } from '@lockstep/protocol'
import { exitCodes } from '../exit-codes.ts'
import { workerGraceMs } from '../local-workers/local-workers.ts'
import { errorOf } from '../processes/error-record.ts'
import { wasAskedToStop } from '../processes/stop-signals.ts'
import { listenForInterrupt, stopNotice } from '../train/interrupt.ts'
import { resumeCommand } from '../train/next-commands.ts'
import type { TrainingRequest } from '../train/prepare-run.ts'
import { chooseOutputs } from '../train/reporters.ts'
import { readToken } from '../train/secrets.ts'
import { createCrashes } from './crashes.ts'
import { orderNext } from './order.ts'
import { createSupervision, type LifeEnd, type Supervision } from './supervision.ts'

type CrashEnd = Extract<LifeEnd, { type: 'crashed' }>
type RunEnd = Exclude<LifeEnd, CrashEnd>

/**
 * Trains as `runTraining` does, but with the coordinator in a separate process, which is restarted from the newest
 * checkpoint when it crashes. The local workers belong to the supervisor and survive the crash. Returns the exit code.
 */
export async function superviseTraining(request: TrainingRequest): Promise<number> {
  const { launch } = request.settings
  const outputs = chooseOutputs(launch.json)
  const token = await readToken(launch.tokenFile)
  const interrupt = listenForInterrupt()
  const supervision = createSupervision({ outputs, token, stop: interrupt.signal })
  interrupt.signal.addEventListener('abort', () => {
    supervision.note(stopNotice)
    supervision.tell({ type: 'stop' })
  })
  try {
    const end = await Promise.race([
      superviseLives({ ...request, token }, supervision, interrupt.signal),
      interrupt.insisted.then(() => null),
    ])
    if (end === null) return exitCodes.interrupted
    await supervision.dismissWorkers(workerGraceMs)
    await supervision.close()
    if (end.type === 'failed') throw errorOf(end.error)
    // Imported only now, because drawing takes memory that the run may need.
    const { finishRun } = await import('../train/finish-run.ts')
    return await finishRun({ summary: end.summary, folder: supervision.folder()!, request }, outputs)
  } finally {
    supervision.killCoordinator()
    await supervision.close()
    interrupt.release()
  }
}

/** Runs one coordinator after the other until the run ends; null if it is requested to stop while there is none. */
async function superviseLives(
  request: TrainingRequest & { readonly token: string },
  supervision: Supervision,
  stop: AbortSignal,
): Promise<RunEnd | null> {
  const crashes = createCrashes(Math.random)
  while (!stop.aborted) {
    const [folder, port, provisioned] = [supervision.folder(), supervision.port(), supervision.provisioned()]
    const canResume = folder !== null && (await holdsRun(folder))
    const end = await supervision.runLife(orderNext(request, { folder, canResume, port, provisioned }), crashes.advance)
    if (end.type !== 'crashed') return end
    // The signal reaches the coordinator too. It ends a coordinator that has not yet installed its signal handlers.
    if (stop.aborted && wasAskedToStop(end.ending)) return null
    const pauseMs = stop.aborted ? null : crashes.add()
    if (pauseMs === null) throw gaveUp(end, crashes.count(), nextOf(request, supervision))
    const when = pauseMs === 0 ? '' : ` in ${(pauseMs / 1000).toFixed(1)} s`
    supervision.note(`the coordinator ended with ${end.ending}: restarting it${when}`)
    await interrupted(pauseMs, stop)
  }
  return null
}

/** Whether a run has begun in a folder. Its configuration is written last, beside its first checkpoint. */
async function holdsRun(folder: string): Promise<boolean> {
  try {
    await access(join(folder, runFiles.config))
    return true
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return false
    throw error
  }
}

/** The command that resumes the run; null before it has a folder. */
function nextOf(request: TrainingRequest, supervision: Supervision): string | null {
  const folder = supervision.folder()
  return folder === null ? null : resumeCommand(folder, request)
}

function gaveUp({ ending, said }: CrashEnd, crashes: number, next: string | null): LockstepError {
  const message =
    crashes > 1
      ? `the coordinator has crashed ${crashes} times without a new checkpoint`
      : 'the coordinator crashed while stopping'
  return new LockstepError('coordinator-crashed', message, {
    received: said === '' ? ending : `${ending}, after: ${said}`,
    ...(next === null ? {} : { hint: `Continue with \`${next}\`.` }),
  })
}
