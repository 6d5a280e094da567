import { z } from 'zod'
import { printable } from './common/printable.ts'

// Fields that many messages share.

/** Characters of a name, a host or an address. */
export const maxShortText = 256

/** What people read of a peer: its text is made printable as it comes in. */
export const textUpTo = (characters: number) => z.string().max(characters).overwrite(printable)
export const shortText = textUpTo(maxShortText)
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
export const runId = z.string().min(1).max(64)
export const step = z.int().min(0)
export const index = z.int().min(0)
export const count = z.int().min(1)
export const finite = z.number().finite()
/** A reading of a clock that only goes forward, in milliseconds; whose clock, and since when, is said where it is used. */
export const clockMs = finite.min(0)
/** Also NaN and infinities: a loss that has diverged is told as it is. */
export const anyNumber = z.custom<number>(value => typeof value === 'number')
