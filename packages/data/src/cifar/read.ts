import { join } from 'node:path'
import { LockstepError } from '@lockstep/protocol'
import { type DataSet, type ImageSplit, imageBytes, imageShape } from '../data-set.ts'
import { cifarClassNames, parseClassNames } from './class-names.ts'
import { type CifarFormat, classCount } from './format.ts'
import { checkRecordFile, readRecords } from './read-records.ts'
import { readText } from './read-text.ts'
import { readRecordCounts } from './record-counts.ts'

/**
 * Reads a data set from its folder of binary files, and checks the size of every file and every label. It takes the
 * class names from the file of names if there is one, otherwise the official ones.
 * Throws `data-missing`, `data-damaged` or `data-unreadable`, with file and record.
 */
export async function readCifar(folder: string, format: CifarFormat): Promise<DataSet> {
  const counts = await readRecordCounts(folder, format)
  for (const file of format.trainFiles) await checkRecordFile(join(folder, file), format, counts.trainRecords)
  await checkRecordFile(join(folder, format.testFile), format, counts.testRecords)
  const classNames = await readClassNames(folder, format)
  const train = await readSplit(folder, format, format.trainFiles, counts.trainRecords)
  const test = await readSplit(folder, format, [format.testFile], counts.testRecords)
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
    await readRecords(join(folder, name), format, recordsPerFile, split, index * recordsPerFile)
  }
  return split
}

async function readClassNames(folder: string, format: CifarFormat): Promise<readonly string[]> {
  const file = join(folder, format.namesFile)
  const text = await readText(file)
  if (text === null) return cifarClassNames[format.name]
  const names = parseClassNames(text)
  if (names.length === classCount(format)) return names
  throw new LockstepError('data-damaged', `${file} does not name the classes of ${format.title}`, {
    expected: `${classCount(format)} names, one a line`,
    received: `${names.length} names`,
    hint: 'Remove the file to go on with the official names.',
  })
}
