import { readFile } from 'node:fs/promises'
import { hasSystemCode, LockstepError } from '@lockstep/protocol'
import { z } from 'zod'

/** The text of a file of a run folder; null where it is not there. Throws `run-unreadable`. */
export async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return null
    const reason = error instanceof Error ? error.message : String(error)
    throw new LockstepError('run-unreadable', `${file} cannot be read`, { received: reason, cause: error })
  }
}

/** What a JSON file of a run folder holds; null where it is not there. Throws `run-unreadable` and `run-damaged`. */
export async function readJson<Output>(file: string, schema: z.ZodType<Output>): Promise<Output | null> {
  const text = await readText(file)
  if (text === null) return null
  const result = schema.safeParse(parseJson(text, file))
  if (result.success) return result.data
  throw damaged(file, z.prettifyError(result.error), result.error)
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw damaged(file, `not JSON: ${(error as SyntaxError).message}`, error)
  }
}

function damaged(file: string, received: string, cause: unknown): LockstepError {
  return new LockstepError('run-damaged', `${file} is damaged`, {
    expected: 'what this version of lockstep writes',
    received,
    hint: 'Restore the file, or move the run folder away.',
    cause,
  })
}
