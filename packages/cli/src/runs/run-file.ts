import { readFile } from 'node:fs/promises'
import { hasSystemCode, LockstepError, reasonOf } from '@lockstep/protocol'
import { z } from 'zod'

/** Reads a text file of a run folder; null if it does not exist. Throws `run-unreadable`. */
export async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return null
    const reason = reasonOf(error)
    throw new LockstepError('run-unreadable', `${file} cannot be read`, { received: reason, cause: error })
  }
}

/** Reads a JSON file of a run folder; null if it does not exist. Throws `run-unreadable` and `run-damaged`. */
export async function readJson<Output>(file: string, schema: z.ZodType<Output>): Promise<Output | null> {
  const text = await readText(file)
  if (text === null) return null
  return parseJson(text, schema, {
    message: `${file} is damaged`,
    expected: 'what this version of lockstep writes',
    hint: 'Restore the file, or move the run folder away.',
  })
}

/** The parts of the error about a text that a run does not write. */
export type Damage = { readonly message: string; readonly expected: string; readonly hint: string }

/** Parses a JSON text of a run folder by a schema. Throws `run-damaged`. */
export function parseJson<Output>(text: string, schema: z.ZodType<Output>, damage: Damage): Output {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw damaged(damage, `not JSON: ${(error as SyntaxError).message}`, error)
  }
  return requireForm(value, schema, damage)
}

/** Returns a value from a JSON text if it fits the schema. Throws `run-damaged`. */
export function requireForm<Output>(value: unknown, schema: z.ZodType<Output>, damage: Damage): Output {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  throw damaged(damage, z.prettifyError(result.error), result.error)
}

function damaged({ message, ...details }: Damage, received: string, cause: unknown): LockstepError {
  return new LockstepError('run-damaged', message, { ...details, received, cause })
}
