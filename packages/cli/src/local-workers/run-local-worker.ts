import { LockstepError } from '@lockstep/protocol'
import { isUncomputable, runWorker } from '@lockstep/worker'
import { recordError } from '../processes/error-record.ts'
import { endWithParent, receiveOrder } from '../processes/parent.ts'
import { stopSignals } from '../processes/stop-signals.ts'
import { becomeBatchJob } from '../worker/batch-job.ts'
import type { LocalWorkerOrder } from './fork-worker.ts'

const waitMs = 60_000

/** Short, because connection attempts on the same machine are cheap. */
const longestPauseMs = 250

/** Runs a worker process that `train` has started. It ends with its parent. */
export async function runLocalWorker(): Promise<void> {
  if (process.send === undefined) {
    throw new LockstepError(
      'not-local',
      '`local-worker` is started by `train`; start your own with `worker --connect URL`',
      {
        kind: 'usage',
      },
    )
  }
  endWithParent()
  // Ctrl-C reaches every process of the terminal, and SIGTERM every process of a service or a job. Ignore them: the
  // coordinator decides when workers stop.
  for (const signal of stopSignals) process.on(signal, () => undefined)
  const { url, token, name, certificate, provisioned } = await receiveOrder<LocalWorkerOrder>()
  becomeBatchJob()
  const working = runWorker({
    url,
    token,
    name,
    trust: certificate === null ? undefined : { ca: certificate, anyName: true },
    device: 'cpu',
    waitMs,
    longestPauseMs,
    provision: async () => provisioned,
    onEvent: () => undefined,
    signal: new AbortController().signal,
  })
  await working.catch(passOn)
}

/**
 * Passes an error that every other worker would also have to the parent, which tells the coordinator. The coordinator
 * itself reports why a run has failed.
 */
async function passOn(error: unknown): Promise<void> {
  if (error instanceof LockstepError && error.code === 'run-failed') return
  if (!isUncomputable(error)) throw error
  await new Promise(resolve => process.send!(recordError(error), resolve))
}
