import { LockstepError } from '@lockstep/protocol'
import { isUncomputable, runWorker } from '@lockstep/worker'
import { recordError } from '../processes/error-record.ts'
import { endWithParent, receiveOrder } from '../processes/parent.ts'
import { stopSignals } from '../processes/stop-signals.ts'
import { becomeBatchJob } from '../worker/batch-job.ts'
import type { LocalWorkerOrder } from './fork-worker.ts'

const waitMs = 60_000

/** On the same machine an attempt costs next to nothing. */
const longestPauseMs = 250

/** A worker process that `train` has started. It ends with its parent. */
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
  // Ctrl-C reaches every process of the terminal, and SIGTERM every one of a service or a job; the coordinator decides when workers stop.
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

/** The coordinator itself tells why a run has failed; it hears by the parent of what every other worker would come to. */
async function passOn(error: unknown): Promise<void> {
  if (error instanceof LockstepError && error.code === 'run-failed') return
  if (!isUncomputable(error)) throw error
  await new Promise(resolve => process.send!(recordError(error), resolve))
}
