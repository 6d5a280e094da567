import { LockstepError, runConfigSchema } from '@lockstep/protocol'
import type { z } from 'zod'

/** The smallest and the largest value of a flag. */
export type Limits = { readonly least: number; readonly most: number }

/** Reads the whole number that is the value of a flag. Throws `bad-configuration`. */
export function readWhole(flag: string, text: string, { least, most }: Limits): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  const details = { kind: 'usage', expected: `a whole number from ${least} to ${most}`, received: text } as const
  throw new LockstepError('bad-configuration', flag, details)
}

/** Reads the value of `--threads`, with the limits of a run's threads per worker. Throws as `readWhole` does. */
export function readThreads(text: string): number {
  return readWhole('--threads', text, limitsOf(runConfigSchema.shape.threads))
}

/** The limits of a schema that has both. */
export function limitsOf({ minValue, maxValue }: z.ZodNumber): Limits {
  return { least: minValue!, most: maxValue! }
}
