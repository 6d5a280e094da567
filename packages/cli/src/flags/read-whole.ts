import { LockstepError, runConfigSchema } from '@lockstep/protocol'
import type { z } from 'zod'

/** The least and the most that a flag takes. */
export type Limits = { readonly least: number; readonly most: number }

/** The whole number that a flag was given. Throws `bad-configuration`. */
export function readWhole(flag: string, text: string, { least, most }: Limits): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (value >= least && value <= most) return value
  const details = { kind: 'usage', expected: `a whole number from ${least} to ${most}`, received: text } as const
  throw new LockstepError('bad-configuration', flag, details)
}

/** What `--threads` was given: as many as a run may have for each worker. Throws as `readWhole` does. */
export function readThreads(text: string): number {
  return readWhole('--threads', text, limitsOf(runConfigSchema.shape.threads))
}

/** Those of a schema that names both. */
export function limitsOf({ minValue, maxValue }: z.ZodNumber): Limits {
  return { least: minValue!, most: maxValue! }
}
