import { LockstepError } from '@lockstep/protocol'

/** What is a fault of the program elsewhere is one of the user's file here. Other errors come back as they are. */
export function usageFault(error: unknown): unknown {
  if (!(error instanceof LockstepError)) return error
  const { code, message, expected, received, hint } = error
  return new LockstepError(code, message, { kind: 'usage', expected, received, hint, cause: error })
}
