import { LockstepError } from '@lockstep/protocol'

/** Turns a program fault into a usage fault: here the user's file is the cause. Returns other errors unchanged. */
export function usageFault(error: unknown): unknown {
  if (!(error instanceof LockstepError)) return error
  const { code, message, expected, received, hint } = error
  return new LockstepError(code, message, { kind: 'usage', expected, received, hint, cause: error })
}
