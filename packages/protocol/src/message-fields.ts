import { z } from 'zod'
import { printable } from './common/printable.ts'

// Fields that many messages share.

/** The most characters of a name, a host or an address. */
export const maxShortText = 256

/** A text of a peer that users may read. It is made printable as it is received. */
export const textUpTo = (characters: number) => z.string().max(characters).overwrite(printable)
export const shortText = textUpTo(maxShortText)
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
export const runId = z.string().min(1).max(64)
export const step = z.int().min(0)
export const index = z.int().min(0)
export const count = z.int().min(1)
export const finite = z.number().finite()
/** A reading of a monotonic clock, in milliseconds. Each use says whose clock it is, and since when. */
export const clockMs = finite.min(0)
/** Also NaN and infinities: the loss of a diverged run is sent unchanged. */
export const anyNumber = z.custom<number>(value => typeof value === 'number')
