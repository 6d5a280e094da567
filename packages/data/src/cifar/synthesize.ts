import { rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hasSystemCode, LockstepError, makeFolder, reasonOf } from '@lockstep/protocol'
import { coloredShapeSuperclasses, createColoredShapes, createShapes } from '../synthetic/synthetic-set.ts'
import { type CifarFormat, coarseNamesFile } from './format.ts'
import { type RecordCounts, recordCountsFile } from './record-counts.ts'
import { encodeRecords } from './write-records.ts'

export type SynthesizeOptions = {
  readonly format: CifarFormat
  /** The folder to put the data set's own folder into. */
  readonly folder: string
  readonly seed: number
}

/**
 * Writes synthetic images in the format of CIFAR-10 or CIFAR-100, with files of their own class names and record
 * counts, and returns the folder. It writes to a temporary folder and renames it, so the data set is never incomplete.
 * Throws `out-exists` if the folder exists, `out-unwritable` if it cannot be written.
 */
export async function synthesizeCifar({ format, folder, seed }: SynthesizeOptions): Promise<string> {
  const target = join(folder, format.folder)
  const aside = join(folder, `.${format.folder}-${process.pid}`)
  await refuseExisting(target)
  try {
    makeFolder(aside)
    for (const [name, content] of synthesizedFiles(format, seed)) await writeFile(join(aside, name), content)
    await rename(aside, target)
  } catch (cause) {
    throw new LockstepError('out-unwritable', `The data set cannot be written to ${target}`, {
      received: reasonOf(cause),
      hint: 'Give a folder that can be written to and has 60 MB of space: --out DIR.',
      cause,
    })
  } finally {
    await rm(aside, { recursive: true, force: true }).catch(() => undefined)
  }
  return target
}

async function refuseExisting(target: string): Promise<void> {
  try {
    await stat(target)
  } catch (error) {
    if (hasSystemCode(error, 'ENOENT', 'ENOTDIR')) return
    throw error
  }
  throw new LockstepError('out-exists', `${target} exists already and is left as it is`, {
    kind: 'usage',
    hint: 'Remove it, or give another folder: --out DIR.',
  })
}

type NamedContent = readonly [name: string, content: Uint8Array | string]

function* synthesizedFiles(format: CifarFormat, seed: number): Generator<NamedContent> {
  const { train, test, classNames } = format.name === 'cifar10' ? createShapes(seed) : createColoredShapes(seed)
  const counts: RecordCounts = { trainRecords: train.count / format.trainFiles.length, testRecords: test.count }
  for (const [index, name] of format.trainFiles.entries()) {
    yield [name, encodeRecords(format, train, index * counts.trainRecords, counts.trainRecords)]
  }
  yield [format.testFile, encodeRecords(format, test, 0, counts.testRecords)]
  yield [format.namesFile, lines(classNames)]
  if (format.name === 'cifar100') yield [coarseNamesFile, lines(coloredShapeSuperclasses)]
  yield [recordCountsFile, `${JSON.stringify(counts)}\n`]
}

function lines(names: readonly string[]): string {
  return names.map(name => `${name}\n`).join('')
}
