import { LockstepError } from '../../src/common/error.ts'

/** What comes of reading bytes that may be wrong: a value or the code of a LockstepError. Anything else is thrown on. */
export function outcomeOf<T>(read: () => T): { readonly value: T } | { readonly code: string } {
  try {
    return { value: read() }
  } catch (error) {
    if (error instanceof LockstepError) return { code: error.code }
    throw error
  }
}
