import { LockstepError } from '../../src/common/error.ts'

/** The outcome of reading bytes that may be invalid: a value or the code of a LockstepError. Throws other errors. */
export function outcomeOf<T>(read: () => T): { readonly value: T } | { readonly code: string } {
  try {
    return { value: read() }
  } catch (error) {
    if (error instanceof LockstepError) return { code: error.code }
    throw error
  }
}
