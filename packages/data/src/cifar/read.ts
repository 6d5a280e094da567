import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasSystemCode, LockstepError } from '@lockstep/protocol'
import { type DataSet, type ImageSplit, imageBytes, imageShape } from '../data-set.ts'
import { cifarClassNames, parseClassNames } from './class-names.ts'
import { type CifarFormat, planeBytes, recordBytes } from './format.ts'
import { readRecordCounts } from './record-counts.ts'

/**
 * Reads a data set from its folder of official binary files, checking the size of every file and every label.
 * Throws `data-missing` or `data-damaged`, naming file and record.
 */
export async function readCifar(folder: string, format: CifarFormat): Promise<DataSet> {
  const counts = await readRecordCounts(folder, format)
  const train = await readSplit(folder, format, format.trainFiles, counts.trainRecords)
  const test = await readSplit(folder, format, [format.testFile], counts.testRecords)
  const classNames = await readClassNames(folder, format)
  return { name: format.name, imageShape, classNames, train, test, source: folder }
}

async function readSplit(
  folder: string,
  format: CifarFormat,
  files: readonly string[],
  recordsPerFile: number,
): Promise<ImageSplit> {
  const count = files.length * recordsPerFile
  const split = { count, pixels: new Uint8Array(count * imageBytes), labels: new Uint8Array(count) }
  for (const [index, name] of files.entries()) {
    const file = join(folder, name)
    const content = await readWhole(file, recordsPerFile * recordBytes(format))
    unpackRecords(file, content, format, split, index * recordsPerFile)
  }
  return split
}

async function readWhole(file: string, expectedBytes: number): Promise<Uint8Array> {
  let content: Uint8Array
  try {
    content = await readFile(file)
  } catch (cause) {
    if (!hasSystemCode(cause, 'ENOENT', 'ENOTDIR')) throw cause
    const hint = 'Fetch the data set anew with `pnpm cli data fetch`.'
    throw new LockstepError('data-missing', `${file} is missing`, { hint, cause })
  }
  if (content.length === expectedBytes) return content
  throw new LockstepError('data-damaged', `${file} has the wrong size`, {
    expected: `${expectedBytes} bytes`,
    received: `${content.length}`,
    hint: 'It is truncated or another file: fetch the data set anew with `pnpm cli data fetch`.',
  })
}

/** Checks the labels and turns each image from planes (CHW) to interleaved channels (HWC). */
function unpackRecords(file: string, content: Uint8Array, format: CifarFormat, split: ImageSplit, first: number): void {
  const size = recordBytes(format)
  for (let record = 0; record * size < content.length; record++) {
    const labelAt = record * size + format.labelBytes - 1
    const label = content[labelAt]!
    if (label >= format.classes) throw labelOutOfRange(file, record, label, format)
    split.labels[first + record] = label
    interleave(content, labelAt + 1, split.pixels, (first + record) * imageBytes)
  }
}

function interleave(planes: Uint8Array, from: number, pixels: Uint8Array, to: number): void {
  for (let pixel = 0; pixel < planeBytes; pixel++) {
    pixels[to + 3 * pixel] = planes[from + pixel]!
    pixels[to + 3 * pixel + 1] = planes[from + planeBytes + pixel]!
    pixels[to + 3 * pixel + 2] = planes[from + 2 * planeBytes + pixel]!
  }
}

function labelOutOfRange(file: string, record: number, label: number, format: CifarFormat): LockstepError {
  return new LockstepError('data-damaged', `${file}: record ${record} has a label out of range`, {
    expected: `0 to ${format.classes - 1}`,
    received: `${label}`,
    hint: 'The file is damaged or of another data set: fetch it anew with `pnpm cli data fetch`.',
  })
}

async function readClassNames(folder: string, format: CifarFormat): Promise<readonly string[]> {
  try {
    const names = parseClassNames(await readFile(join(folder, format.namesFile), 'utf8'))
    return names.length === format.classes ? names : cifarClassNames[format.name]
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT')) return cifarClassNames[format.name]
    throw error
  }
}
