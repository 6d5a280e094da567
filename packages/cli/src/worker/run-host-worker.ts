import { LockstepError } from '@lockstep/protocol'
import { exitCodes } from '../exit-codes.ts'
import { recordError } from '../processes/error-record.ts'
import { endWithParent, receiveOrder } from '../processes/parent.ts'
import type { HostWorkerOrder } from './host-workers.ts'
import { runRemoteWorker } from './remote-worker.ts'

/** Runs a process of `worker --workers N`. Its exit code is 0 however its work ended, unless the process dies. */
export async function runHostWorker(): Promise<number> {
  if (process.send === undefined) {
    const message = '`host-worker` is started by `worker --workers N`; start that'
    throw new LockstepError('not-local', message, { kind: 'usage' })
  }
  endWithParent()
  const { options, among } = await receiveOrder<HostWorkerOrder>()
  try {
    await runRemoteWorker(options, among)
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error
    await new Promise(resolve => process.send!(recordError(error), resolve))
  }
  return exitCodes.done
}
