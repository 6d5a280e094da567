import { LockstepError, reasonOf } from '@lockstep/protocol'

const eagerHint = 'Use --engine eager, which runs the model op by op.'

/** A compiled function is recorded once, before there are any numbers, so code that looks at them cannot be compiled. */
export function valueReadError(op: string, origin: string): LockstepError {
  return new LockstepError('compile-value-read', `${place(origin)} reads the value of a tensor (${op})`, {
    expected: 'computations whose course does not depend on values',
    hint: eagerHint,
  })
}

/** What JavaScript draws while a function is recorded would be the same number ever after. */
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
 * Whatever tfjs threw while a function was recorded: it has no kernel or no gradient for an operation. Recording executes
 * what it records, so that the eager engine would be refused as well.
 */
export function unsupportedError(cause: unknown, origin: string): LockstepError {
  const hint = 'tfjs refuses this with --engine eager too: give the layer other options, or take another layer.'
  return refusal(cause, origin, hint)
}

/** What TensorFlow threw when it was given the graph, with the operation that it refuses. */
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
