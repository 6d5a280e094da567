import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { posix } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { hasSystemCode, LockstepError, type ProgressListener, reasonOf } from '@lockstep/protocol'
import { type CifarFormat, coarseNamesFile, maxTextBytes, recordBytes } from '../cifar/format.ts'
import { recordCountsFile } from '../cifar/record-counts.ts'
import { countBytes } from './count-bytes.ts'

export type Unpacking = {
  readonly archive: string
  readonly format: CifarFormat
  readonly folder: string
  readonly signal: AbortSignal
  readonly onProgress: ProgressListener
}

/**
 * Unpacks the files of a data set from a .tar.gz into a folder. It skips all other files, and files at other paths.
 * Throws `archive-wrong` if the archive is damaged or of another kind, or if it contains a file twice or a file that is
 * too long (before writing that file); `disk-full` if the files cannot be written.
 */
export async function unpackArchive(unpacking: Unpacking): Promise<void> {
  const { archive, format, folder, signal, onProgress } = unpacking
  const tar = await import('tar')
  const limits = longestFiles(format)
  const unpacked = new Set<string>()
  const total = (await stat(archive)).size
  const report = (done: number) => onProgress({ label: `unpacking ${format.title}`, done, total, unit: 'bytes' })
  const files = tar.extract({
    cwd: folder,
    filter: (path, entry) => {
      const file = posix.normalize(path)
      const maxBytes = limits.get(file)
      if (maxBytes === undefined || !('type' in entry) || entry.type !== 'File') return false
      const fault = unpacked.has(file) ? 'twice' : entry.size > maxBytes ? `of ${entry.size} bytes` : null
      unpacked.add(file)
      if (fault !== null) files.abort(new Error(`${file} ${fault}`))
      return fault === null
    },
  })
  try {
    await pipeline(createReadStream(archive), countBytes(report), createGunzip(), files, { signal })
  } catch (cause) {
    signal.throwIfAborted()
    throw unpackError(unpacking, cause)
  }
}

/** The size limits of a data set's files by path. The archive may have them in the official folder or at its root. */
function longestFiles(format: CifarFormat): ReadonlyMap<string, number> {
  const { trainFiles, testFile, trainRecords, testRecords, namesFile } = format
  const longest = new Map([[testFile, testRecords * recordBytes(format)]])
  for (const name of trainFiles) longest.set(name, trainRecords * recordBytes(format))
  for (const name of [namesFile, coarseNamesFile, recordCountsFile]) longest.set(name, maxTextBytes)
  return new Map(
    [...longest].flatMap(([name, bytes]) => [name, `${format.folder}/${name}`].map(path => [path, bytes] as const)),
  )
}

function unpackError({ archive, format, folder }: Unpacking, cause: unknown): LockstepError {
  const received = reasonOf(cause)
  if (hasSystemCode(cause, 'ENOSPC', 'EDQUOT')) {
    const hint = 'Free 200 MB, or put the data elsewhere: --data-dir DIR or LOCKSTEP_CACHE_DIR.'
    return new LockstepError('disk-full', `the disk is full: ${folder} was not written`, { received, hint, cause })
  }
  return new LockstepError('archive-wrong', `${archive} cannot be unpacked`, {
    expected: `a .tar.gz with the binary version of ${format.title}`,
    received,
    hint: 'Get the archive again.',
    cause,
  })
}
