import { type ErrorDetails, LockstepError } from '@lockstep/protocol'

/** A LockstepError in the form in which processes send it to each other. */
export type ErrorRecord = { readonly code: string; readonly message: string } & Pick<
  ErrorDetails,
  'kind' | 'expected' | 'received' | 'hint'
>

export function recordError({ code, message, kind, expected, received, hint }: LockstepError): ErrorRecord {
  return {
    code,
    message,
    kind,
    ...(expected === undefined ? {} : { expected }),
    ...(received === undefined ? {} : { received }),
    ...(hint === undefined ? {} : { hint }),
  }
}

export function errorOf({ code, message, ...details }: ErrorRecord): LockstepError {
  return new LockstepError(code, message, details)
}
