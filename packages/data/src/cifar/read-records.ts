import { readFile, stat } from 'node:fs/promises'
import { hasSystemCode, LockstepError, reasonOf } from '@lockstep/protocol'
import { type ImageSplit, imageBytes } from '../data-set.ts'
import { type CifarFormat, planeBytes, recordBytes } from './format.ts'

/**
 * Checks the size of a file that should hold `records` records, so that a wrong one costs neither time nor memory.
 * Throws `data-missing` or `data-damaged`.
 */
export async function checkRecordFile(file: string, format: CifarFormat, records: number): Promise<void> {
  try {
    requireSize(file, format, records, (await stat(file)).size)
  } catch (cause) {
    if (!hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) throw cause
    throw new LockstepError('data-missing', `${file} is missing`, {
      expected: describeSize(format, records),
      received: 'no such file',
      hint: fetchHint(format),
      cause,
    })
  }
}

/**
 * Reads a file of `records` records into a split, from its sample `first` on: the labels, and the pixels converted from
 * planes (CHW) to interleaved channels (HWC).
 * Throws `data-damaged` if the size or a label is wrong, `data-unreadable` if the file cannot be read.
 */
export async function readRecords(
  file: string,
  format: CifarFormat,
  records: number,
  split: ImageSplit,
  first: number,
): Promise<void> {
  const content = await readFile(file).catch(cause => {
    const hint = 'Check who may read it, and the disk.'
    throw new LockstepError('data-unreadable', `${file} cannot be read`, { received: reasonOf(cause), hint, cause })
  })
  requireSize(file, format, records, content.length)
  for (let record = 0; record < records; record++) {
    split.labels[first + record] = readLabel(file, format, content, record)
    interleave(
      content,
      record * recordBytes(format) + format.labels.length,
      split.pixels,
      (first + record) * imageBytes,
    )
  }
}

function requireSize(file: string, format: CifarFormat, records: number, bytes: number): void {
  const size = recordBytes(format)
  if (bytes === records * size) return
  const rest = bytes % size
  const end = rest === 0 ? `${bytes / size} records` : `it ends ${rest} bytes into record ${Math.floor(bytes / size)}`
  throw new LockstepError('data-damaged', `${file} has the wrong size: it is truncated or another file`, {
    expected: describeSize(format, records),
    received: `${bytes} bytes: ${end}`,
    hint: fetchHint(format),
  })
}

function readLabel(file: string, format: CifarFormat, content: Uint8Array, record: number): number {
  const start = record * recordBytes(format)
  let label = 0
  for (const [position, { kind, classes }] of format.labels.entries()) {
    label = content[start + position]!
    if (label < classes) continue
    throw new LockstepError('data-damaged', `${file}: record ${record} has a ${kind} out of range`, {
      expected: `${kind} from 0 to ${classes - 1}`,
      received: `${label} (byte ${start + position} of the file)`,
      hint: fetchHint(format),
    })
  }
  return label
}

function interleave(planes: Uint8Array, from: number, pixels: Uint8Array, to: number): void {
  for (let pixel = 0; pixel < planeBytes; pixel++) {
    pixels[to + 3 * pixel] = planes[from + pixel]!
    pixels[to + 3 * pixel + 1] = planes[from + planeBytes + pixel]!
    pixels[to + 3 * pixel + 2] = planes[from + 2 * planeBytes + pixel]!
  }
}

function describeSize(format: CifarFormat, records: number): string {
  return `${records * recordBytes(format)} bytes (${records} records of ${recordBytes(format)})`
}

function fetchHint(format: CifarFormat): string {
  return `Remove its folder and get the data set again: \`pnpm cli data fetch --dataset ${format.name}\`.`
}
