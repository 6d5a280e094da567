import { LockstepError } from '@lockstep/protocol'

/** Whether an error is no fault of this worker: the model cannot be compiled, and every other worker would come to the same. */
export function isUncomputable(error: unknown): error is LockstepError {
  return error instanceof LockstepError && error.code.startsWith('compile-')
}
