import { LockstepError, reasonOf } from '@lockstep/protocol'

const eagerHint = 'Use --engine eager, which runs the model op by op.'

/** A compiled function is recorded once, without real values, so code that reads values cannot be compiled. */
export function valueReadError(op: string, origin: string): LockstepError {
  return new LockstepError('compile-value-read', `${place(origin)} reads the value of a tensor (${op})`, {
    expected: 'computations whose course does not depend on values',
    hint: eagerHint,
  })
}

/** Random numbers drawn in JavaScript during recording would become constants. */
export function bakedRandomError(origin: string): LockstepError {
  return new LockstepError('compile-random', `${place(origin)} makes a tensor of numbers in JavaScript`, {
    expected: 'numbers that do not change from step to step',
    received: 'random numbers, or a table of constants that is built anew in every call',
    hint: `${eagerHint} A table of constants can be built once, before the model is used.`,
  })
}

export function randomOpError(op: string, origin: string): LockstepError {
  return new LockstepError('compile-random', `${place(origin)} draws random numbers (${op})`, { hint: eagerHint })
}

/**
 * For errors of tfjs during recording: it has no kernel or no gradient for an operation. Recording executes every
 * operation, so the eager engine would fail too.
 */
export function unsupportedError(cause: unknown, origin: string): LockstepError {
  const hint = 'tfjs refuses this with --engine eager too: give the layer other options, or take another layer.'
  return refusal(cause, origin, hint)
}

/** For errors of TensorFlow when it loads the graph; they name the operation that it refuses. */
export function unloadableError(cause: unknown): LockstepError {
  return refusal(cause, '', eagerHint)
}

function refusal(cause: unknown, origin: string, hint: string): LockstepError {
  if (cause instanceof LockstepError) return cause
  return new LockstepError('compile-unsupported', `${place(origin)} cannot be compiled`, {
    received: reasonOf(cause),
    hint,
    cause,
  })
}

function place(origin: string): string {
  return origin || 'the function'
}
