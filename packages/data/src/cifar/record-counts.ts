import { join } from 'node:path'
import { LockstepError } from '@lockstep/protocol'
import { z } from 'zod'
import type { CifarFormat } from './format.ts'
import { readText } from './read-text.ts'

/** Records in each training file and in the test file. */
export type RecordCounts = { readonly trainRecords: number; readonly testRecords: number }

/**
 * This file beside the others gives the number of records if it is not the official one, as for `data synthesize`. It
 * distinguishes a small file from a truncated one.
 */
export const recordCountsFile = 'record-counts.json'

const recordCountsSchema = z.strictObject({ trainRecords: z.int().min(1), testRecords: z.int().min(1) })

export async function readRecordCounts(folder: string, format: CifarFormat): Promise<RecordCounts> {
  const file = join(folder, recordCountsFile)
  const text = await readText(file)
  if (text === null) return { trainRecords: format.trainRecords, testRecords: format.testRecords }
  const parsed = recordCountsSchema.safeParse(parseJson(text))
  if (parsed.success) return parsed.data
  throw new LockstepError('data-damaged', `${file} does not say how many records the files hold`, {
    expected: '{"trainRecords": N, "testRecords": N}',
    received: text.slice(0, 80).trim(),
    hint: 'Write the data set again with `pnpm cli data synthesize`.',
  })
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
