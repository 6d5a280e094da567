import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError, LockstepError, makeFolder, reasonOf } from '@lockstep/protocol'
import type { CifarFormat } from '../cifar/format.ts'
import { findCifarFolder } from '../cifar/locate.ts'
import { readCifar } from '../cifar/read.ts'
import type { DataSet } from '../data-set.ts'
import { type ArchiveSource, obtainArchive } from './archive.ts'
import { withFolderLock } from './folder-lock.ts'
import { unpackArchive } from './unpack.ts'

export type FetchOptions = ArchiveSource & {
  readonly format: CifarFormat
  /** The folder to put the data set's own folder into. */
  readonly folder: string
}

/**
 * Fetches a data set. It downloads the archive, checks it, unpacks it into a temporary folder, reads everything and
 * only then moves it to its final place, so a folder of the official name is always complete. If several processes call
 * it, one does the work and the others wait. A complete data set that already exists is kept. Returns the data set.
 * Throws `data-folder`, `download-failed`, `disk-full`, `archive-wrong`, `archive-unreadable`, `data-missing` or
 * `data-damaged`.
 */
export async function fetchCifar(options: FetchOptions): Promise<DataSet> {
  const { format, folder, onNotice } = options
  makeDataFolder(folder)
  const onWait = () => onNotice(`another process is fetching ${format.title} into ${folder}: waiting for it`)
  return withFolderLock(folder, format.folder, onWait, async signal => {
    return (await readPresent(options)) ?? (await install(options, signal))
  })
}

async function readPresent({ format, folder, onNotice }: FetchOptions): Promise<DataSet | null> {
  const present = await findCifarFolder(folder, format)
  if (present === null) return null
  try {
    const dataSet = await readCifar(present, format)
    onNotice(`${format.title} is in ${present} already, and whole`)
    return dataSet
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error
    onNotice(`${describeError(error)}\nfetching ${format.title} anew`)
    return null
  }
}

async function install(options: FetchOptions, signal: AbortSignal): Promise<DataSet> {
  const { format, folder } = options
  const archive = await obtainArchive(format, folder, options, signal)
  const aside = join(folder, `${format.folder}.unpacking`)
  try {
    await rm(aside, { recursive: true, force: true })
    await mkdir(aside)
    await unpackArchive({ ...options, archive: archive.file, folder: aside, signal })
    const unpacked = await readUnpacked(format, aside, archive.file)
    const target = join(folder, format.folder)
    signal.throwIfAborted()
    await rm(target, { recursive: true, force: true })
    await rename(unpacked.source, target)
    return { ...unpacked, source: target }
  } finally {
    await rm(aside, { recursive: true, force: true })
    await archive.discard()
  }
}

async function readUnpacked(format: CifarFormat, aside: string, archive: string): Promise<DataSet> {
  const unpacked = await findCifarFolder(aside, format)
  if (unpacked !== null) return readCifar(unpacked, format)
  throw new LockstepError('archive-wrong', `${archive} does not hold ${format.title}`, {
    expected: `the binary files ${format.trainFiles[0]} … ${format.testFile}`,
    received: 'none of them',
    hint: 'The binary version is needed. Name the data set: --dataset cifar10 or cifar100.',
  })
}

function makeDataFolder(folder: string): void {
  try {
    makeFolder(folder)
  } catch (cause) {
    throw new LockstepError('data-folder', `The folder ${folder} cannot be made`, {
      received: reasonOf(cause),
      hint: 'Give another one: --data-dir DIR or LOCKSTEP_CACHE_DIR.',
      cause,
    })
  }
}
