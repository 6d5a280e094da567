import { type EpochMetrics, epochMetricsSchema } from '@lockstep/coordinator'
import { z } from 'zod'
import { parseJson, requireForm } from './run-file.ts'

export type ParsedMetrics = {
  readonly epochs: readonly EpochMetrics[]
  readonly notices: readonly string[]
}

const anyLineSchema = z.looseObject({ type: z.string() })

/**
 * Parses the epochs of a `metrics.jsonl` and skips lines of other types. A last line that was cut off, for example
 * because the process was killed while writing, is left out with a notice.
 * @param file names the file in messages
 * Throws `run-damaged` with the line's number if any other line is not one that a run writes.
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

function parseLine(text: string, place: string): EpochMetrics[] {
  const damage = {
    message: `${place}: not a line of metrics`,
    expected: 'a JSON object with a type, as a run writes it at the end of each epoch',
    hint: 'Remove the line, or move the run folder away.',
  }
  const line = parseJson(text, anyLineSchema, damage)
  return line.type === 'epoch' ? [requireForm(line, epochMetricsSchema, damage)] : []
}
