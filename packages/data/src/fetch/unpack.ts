import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGunzip } from 'node:zlib'
import { hasSystemCode, LockstepError, type ProgressListener } from '@lockstep/protocol'
import { type CifarFormat, coarseNamesFile } from '../cifar/format.ts'
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
 * Unpacks the files of a data set from a .tar.gz into a folder and leaves out whatever else is in it.
 * Throws `archive-wrong` when it is damaged or no such archive, `disk-full` when the files cannot be written.
 */
export async function unpackArchive(unpacking: Unpacking): Promise<void> {
  const { archive, format, folder, signal, onProgress } = unpacking
  const tar = await import('tar')
  const wanted = new Set([...format.trainFiles, format.testFile, format.namesFile, coarseNamesFile, recordCountsFile])
  const total = (await stat(archive)).size
  const report = (done: number) => onProgress({ label: `unpacking ${format.title}`, done, total, unit: 'bytes' })
  const files = tar.extract({
    cwd: folder,
    filter: (path, entry) => 'type' in entry && entry.type === 'File' && wanted.has(basename(path)),
  })
  try {
    await pipeline(createReadStream(archive), countBytes(report), createGunzip(), files, { signal })
  } catch (cause) {
    signal.throwIfAborted()
    throw unpackError(unpacking, cause)
  }
}

function unpackError({ archive, format, folder }: Unpacking, cause: unknown): LockstepError {
  const received = cause instanceof Error ? cause.message : String(cause)
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
