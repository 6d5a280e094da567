import { type ErrorDetails, LockstepError } from '@lockstep/protocol'

/** The store thread's answer to a job. Answers come in the order of the jobs. */
export type StoreAnswer =
  | { readonly type: 'stored'; readonly path: string | null }
  | { readonly type: 'failed'; readonly error: SentError }

/**
 * An error in a form that survives being sent to another thread, which would lose its class and the code of its cause.
 */
export type SentError = {
  readonly code: string | null
  readonly message: string
  readonly details: Omit<ErrorDetails, 'cause'>
  readonly stack: string | undefined
  readonly cause: { readonly message: string; readonly code: string | null } | null
}

export function describeForThread(error: Error): SentError {
  const { message, stack, cause } = error
  const sentCause = cause instanceof Error ? { message: cause.message, code: codeOf(cause) } : null
  if (!(error instanceof LockstepError)) return { code: null, message, details: {}, stack, cause: sentCause }
  const { code, kind, expected, received, hint } = error
  const details = Object.entries({ kind, expected, received, hint }).filter(([, value]) => value !== undefined)
  return { code, message, details: Object.fromEntries(details), stack, cause: sentCause }
}

/** Rebuilds the error that `describeForThread` described. */
export function revive({ code, message, details, stack, cause }: SentError): Error {
  const revived = cause === null ? undefined : Object.assign(new Error(cause.message), cause)
  const error =
    code === null
      ? new Error(message, { cause: revived })
      : new LockstepError(code, message, { ...details, cause: revived })
  return Object.assign(error, { stack })
}

function codeOf(error: Error): string | null {
  return 'code' in error && typeof error.code === 'string' ? error.code : null
}
