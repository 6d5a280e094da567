import { LockstepError } from '@lockstep/protocol'

/** Whether an error is not this worker's fault: the model cannot be compiled, on any worker. */
export function isUncomputable(error: unknown): error is LockstepError {
  return error instanceof LockstepError && error.code.startsWith('compile-')
}
