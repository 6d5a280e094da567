import { type EpochMetrics, epochMetricsSchema } from '@lockstep/coordinator'
import { LockstepError } from '@lockstep/protocol'
import { z } from 'zod'

export type ParsedMetrics = {
  readonly epochs: readonly EpochMetrics[]
  readonly notices: readonly string[]
}

const anyLineSchema = z.looseObject({ type: z.string() })

/**
 * The epochs of a `metrics.jsonl`. Lines of other types are skipped; a last line that was cut off, as by a process that
 * is killed while it writes, is left out with a notice.
 * @param file names the file in messages
 * Throws `run-damaged` with the line's number when another line is not what a run writes.
 */
export function parseMetrics(text: string, file: string): ParsedMetrics {
  const lines = text.split('\n')
  const unterminated = lines.pop() ?? ''
  const epochs = lines.flatMap((line, index) => parseLine(line, `${file}, line ${index + 1}`))
  if (unterminated.trim() === '') return { epochs, notices: [] }
  try {
    return { epochs: [...epochs, ...parseLine(unterminated, file)], notices: [] }
  } catch {
    return { epochs, notices: [`${file}, line ${lines.length + 1} was cut off while it was written; it is left out.`] }
  }
}

function parseLine(line: string, place: string): EpochMetrics[] {
  const value = parseJson(line, place)
  const any = anyLineSchema.safeParse(value)
  if (!any.success) throw damagedLine(place, z.prettifyError(any.error), any.error)
  if (any.data.type !== 'epoch') return []
  const epoch = epochMetricsSchema.safeParse(value)
  if (!epoch.success) throw damagedLine(place, z.prettifyError(epoch.error), epoch.error)
  return [epoch.data]
}

function parseJson(line: string, place: string): unknown {
  try {
    return JSON.parse(line)
  } catch (error) {
    throw damagedLine(place, `not JSON: ${(error as SyntaxError).message}`, error)
  }
}

function damagedLine(place: string, received: string, cause: unknown): LockstepError {
  return new LockstepError('run-damaged', `${place}: not a line of metrics`, {
    expected: 'a JSON object with a type, as a run writes it at the end of each epoch',
    received,
    hint: 'Remove the line, or move the run folder away.',
    cause,
  })
}
