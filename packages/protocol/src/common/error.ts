/** Who is at fault, which decides the exit code. */
export type ErrorKind = 'usage' | 'world'

export type ErrorDetails = {
  /** `usage`: the command or configuration is wrong (exit code 2). `world`: everything else (exit code 1). */
  readonly kind?: ErrorKind
  readonly expected?: string
  readonly received?: string
  /** What the user can do about it, as a sentence. */
  readonly hint?: string
  readonly cause?: unknown
}

/**
 * The one error type of lockstep: a stable code, what happened, what was expected and received, and what to do.
 * Anything else that is thrown is a bug and is shown with its stack.
 */
export class LockstepError extends Error {
  override readonly name = 'LockstepError'
  readonly code: string
  readonly kind: ErrorKind
  readonly expected: string | undefined
  readonly received: string | undefined
  readonly hint: string | undefined

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.kind = details.kind ?? 'world'
    this.expected = details.expected
    this.received = details.received
    this.hint = details.hint
  }
}

/** The error as a user reads it: what happened, expected and received in one line, and the hint in a second one. */
export function describeError({ message, expected, received, hint }: LockstepError): string {
  const details = [
    ...(expected === undefined ? [] : [`expected ${expected}`]),
    ...(received === undefined ? [] : [`received ${received}`]),
  ]
  const line = details.length === 0 ? message : `${message}: ${details.join(', ')}`
  return hint === undefined ? line : `${line}\n  ${hint}`
}

/** The error in one line, without the hint; for any other error its message. */
export function describeInLine(error: unknown): string {
  return error instanceof LockstepError ? describeError(error).split('\n')[0]! : reasonOf(error)
}

/** The message of any thrown value. */
export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** Whether a file-system or network error of Node carries one of the codes, such as ENOENT. */
export function hasSystemCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code)
}
