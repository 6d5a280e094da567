import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { LockstepError, type ProgressListener, reasonOf } from '@lockstep/protocol'
import type { CifarFormat } from '../cifar/format.ts'
import { download } from './download.ts'

export type ArchiveSource = {
  /** Address or path of the archive (`.tar.gz`) with the binary files; by default the official address. */
  readonly from?: string | undefined
  /** Used for the proxy settings and `LOCKSTEP_DATA_MIRROR`, the address of a mirror of the official archives. */
  readonly environment: NodeJS.ProcessEnv
  readonly onProgress: ProgressListener
  readonly onNotice: (text: string) => void
  /** Pause before an interrupted download is resumed. Default: 1 s. */
  readonly retryMs?: number
}

/** An archive on this machine. `discard` deletes it if it was downloaded. */
export type LocalArchive = { readonly file: string; readonly discard: () => Promise<void> }

/** The address of the official archive, or of its copy on the mirror from the environment. */
function archiveAddress(format: CifarFormat, environment: NodeJS.ProcessEnv): string {
  const mirror = environment.LOCKSTEP_DATA_MIRROR
  return mirror ? `${mirror.replace(/\/*$/, '')}/${format.archive}` : format.url
}

/**
 * Downloads the archive into `folder`, or takes the file that `from` names. The official archive must have the official
 * MD5. Another archive is accepted with a notice; its contents are checked later.
 * Throws `archive-wrong`, `archive-unreadable`, `download-failed` or `disk-full`.
 */
export async function obtainArchive(
  format: CifarFormat,
  folder: string,
  source: ArchiveSource,
  signal: AbortSignal,
): Promise<LocalArchive> {
  const { from } = source
  if (from !== undefined && !/^https?:/i.test(from)) return localArchive(format, from, source)
  const url = from ?? archiveAddress(format, source.environment)
  const file = join(folder, partialName(format, url))
  const isResumed = (await stat(file).catch(() => undefined)) !== undefined
  await download({ ...source, url, file, label: `downloading ${format.title}`, signal })
  const md5 = await md5Of(file)
  const archive = { file, discard: () => rm(file, { force: true }) }
  if (md5 === format.md5) return archive
  if (from !== undefined) {
    source.onNotice(unofficialNotice(format, from, md5))
    return archive
  }
  await archive.discard()
  if (!isResumed) throw wrongMd5(format, url, md5)
  source.onNotice(
    `the partial download of ${url} does not match what the server sends now: downloading it from the beginning`,
  )
  return obtainArchive(format, folder, source, signal)
}

async function localArchive(format: CifarFormat, from: string, source: ArchiveSource): Promise<LocalArchive> {
  const file = /^file:/i.test(from) ? fileURLToPath(from) : from
  const md5 = await md5Of(file)
  if (md5 !== format.md5) source.onNotice(unofficialNotice(format, from, md5))
  return { file, discard: async () => undefined }
}

/** Named after the address, so that the rest of one archive is never appended to the beginning of another. */
function partialName(format: CifarFormat, url: string): string {
  return `${format.archive}.${createHash('sha256').update(url).digest('hex').slice(0, 8)}.partial`
}

async function md5Of(file: string): Promise<string> {
  const hash = createHash('md5')
  try {
    await pipeline(createReadStream(file), hash)
  } catch (cause) {
    throw new LockstepError('archive-unreadable', `${file} cannot be read`, {
      expected: 'address or path of a .tar.gz',
      received: reasonOf(cause),
      hint: 'Unpacked files need no fetching: name their folder by --data-dir or LOCKSTEP_DATA_DIR.',
      cause,
    })
  }
  return hash.digest('hex')
}

function unofficialNotice(format: CifarFormat, from: string, md5: string): string {
  return `${from} is not the official archive of ${format.title} (its MD5 is ${md5}): its sizes and labels are checked instead`
}

function wrongMd5(format: CifarFormat, url: string, md5: string): LockstepError {
  return new LockstepError('archive-wrong', `${url} is not the official archive of ${format.title}`, {
    expected: `MD5 ${format.md5}`,
    received: `MD5 ${md5}; the file has been deleted`,
    hint: 'Try again. If you trust another archive, give its address or file: --from URL|FILE.',
  })
}
