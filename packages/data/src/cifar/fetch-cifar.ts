import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { LockstepError, type ProgressListener } from '@lockstep/protocol'
import { lock } from 'proper-lockfile'
import { extract } from 'tar'
import type { CifarFormat } from './format.ts'
import { findCifarFolder } from './locate.ts'
import { readCifar } from './read.ts'
import { discardDownload, download } from './download.ts'

export type FetchOptions = {
  readonly format: CifarFormat
  /** Address or path of the archive (`.tar.gz`) with the binary files. */
  readonly from: string
  /** The folder to put the data set's own folder into. */
  readonly folder: string
  readonly onProgress: ProgressListener
  readonly onNotice: (text: string) => void
}

/** How long another process may be silent about its own fetching before its lock counts as left behind. */
const lockStaleMs = 20_000

/**
 * Fetches, verifies and unpacks a data set; returns its folder. Two that fetch at once do it one after the other, and
 * the second finds it done. An archive that is not the official one is accepted if sizes and labels are right, with a
 * notice. Throws `download-failed`, `disk-full`, `archive-wrong`, `data-missing` or `data-damaged`.
 */
export async function fetchCifar(options: FetchOptions): Promise<string> {
  const { format, folder } = options
  await mkdir(folder, { recursive: true })
  const release = await lock(folder, {
    lockfilePath: join(folder, `${format.folder}.lock`),
    stale: lockStaleMs,
    retries: { forever: true, minTimeout: 200, maxTimeout: 1000 },
  })
  try {
    const present = await findCifarFolder(folder, format)
    return present ?? (await install(options))
  } finally {
    await release()
  }
}

async function install(options: FetchOptions): Promise<string> {
  const { format, from, folder } = options
  if (!isAddress(from)) return unpackVerified(options, from)
  const archive = join(folder, format.archive)
  await download({ url: from, file: archive, label: `fetching ${format.archive}`, onProgress: options.onProgress })
  try {
    return await unpackVerified(options, archive)
  } finally {
    await discardDownload(archive)
  }
}

async function unpackVerified(options: FetchOptions, archive: string): Promise<string> {
  const { format, folder, from } = options
  const md5 = await md5Of(archive)
  if (md5 !== format.md5 && from === format.url) {
    throw new LockstepError('archive-wrong', `${from} is not the archive it should be`, {
      expected: `md5 ${format.md5}`,
      received: md5,
    })
  }
  if (md5 !== format.md5)
    options.onNotice(`${from} is not the official archive; its sizes and labels are checked instead`)
  const aside = await mkdtemp(join(folder, 'unpacking-'))
  try {
    const unpacked = await unpack(options, archive, aside)
    const final = join(folder, format.folder)
    await rename(unpacked, final)
    return final
  } finally {
    await rm(aside, { recursive: true, force: true })
  }
}

async function unpack({ format, from }: FetchOptions, archive: string, aside: string): Promise<string> {
  const wanted = (path: string) => path.replace(/^\.\//, '').startsWith(`${format.folder}/`)
  try {
    await extract({ file: archive, cwd: aside, filter: wanted, strict: true })
  } catch (cause) {
    const received = cause instanceof Error ? cause.message : String(cause)
    throw new LockstepError('archive-wrong', `${from} is not a whole .tar.gz archive`, { received, cause })
  }
  const unpacked = await findCifarFolder(aside, format)
  if (unpacked === null) {
    const expected = `a folder ${format.folder} in the archive`
    throw new LockstepError('archive-wrong', `${from} does not hold ${format.name}`, { expected })
  }
  await readCifar(unpacked, format)
  return unpacked
}

async function md5Of(file: string): Promise<string> {
  const hash = createHash('md5')
  try {
    await pipeline(createReadStream(file), hash)
  } catch (cause) {
    const received = cause instanceof Error ? cause.message : String(cause)
    throw new LockstepError('archive-unreadable', `${file} cannot be read`, { kind: 'usage', received, cause })
  }
  return hash.digest('hex')
}

function isAddress(from: string): boolean {
  return /^https?:\/\//.test(from)
}
