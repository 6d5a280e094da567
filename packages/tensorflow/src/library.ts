import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LockstepError, type ProgressListener } from '@lockstep/protocol'
import { createEntry, readEntry, removeLeftovers } from './cache-entry.ts'
import { requireDiskSpace } from './disk-space.ts'
import { fetchWheel } from './fetch-wheel.ts'
import { withInstallLock } from './install-lock.ts'
import { unpackWheel } from './unpack-wheel.ts'
import { pipDownloadArguments, type WheelSource } from './wheel-source.ts'

/** A libtensorflow with its headers, wherever it comes from. */
export type Library = {
  /** Tells this library from every other one; part of the name of what is built against it. */
  readonly key: string
  readonly folder: string
  readonly libraryFolder: string
  readonly includeFolder: string
  /** File names in `libraryFolder` to link with. */
  readonly linkNames: readonly string[]
}

export type InstallOptions = {
  /** lockstep's folder for TensorFlow in the user's cache. */
  readonly cacheFolder: string
  readonly environment: NodeJS.ProcessEnv
  readonly offline: boolean
  readonly onProgress: ProgressListener
  readonly onNotice: (text: string) => void
}

const downloadFolderName = 'download'

/** What the cached library of a wheel is called. */
export function libraryKey(source: WheelSource): string {
  return `${source.version}-${source.platformTag}-${source.sha256.slice(0, 12)}`
}

/** The cached library, or undefined when it is missing or damaged. Writes nothing. */
export async function findCachedLibrary(source: WheelSource, cacheFolder: string): Promise<Library | undefined> {
  const key = libraryKey(source)
  return (await readEntry(join(cacheFolder, key))) && cachedLibrary(cacheFolder, key)
}

/**
 * The cached library, installed first when it is missing or damaged.
 * Throws LockstepError `tensorflow-offline` when it would have to be downloaded and must not be, what `fetchWheel` and
 * `requireDiskSpace` throw, and file system errors as they are.
 */
export async function ensureCachedLibrary(source: WheelSource, options: InstallOptions): Promise<Library> {
  const { cacheFolder } = options
  const found = await findCachedLibrary(source, cacheFolder)
  if (found !== undefined) return found
  if (options.offline) throw offlineError(source, cacheFolder)
  const onWait = () => options.onNotice(`another process is installing TensorFlow in ${cacheFolder}; waiting for it`)
  return await withInstallLock(cacheFolder, onWait, async () => {
    const installed = await findCachedLibrary(source, cacheFolder)
    return installed ?? (await installLibrary(source, options))
  })
}

async function installLibrary(source: WheelSource, options: InstallOptions): Promise<Library> {
  const { cacheFolder } = options
  const key = libraryKey(source)
  const downloadFolder = join(cacheFolder, downloadFolderName)
  await removeLeftovers(cacheFolder)
  await requireDiskSpace(cacheFolder, source.unpackedBytes + 2 * source.bytes)
  const wheelFile = await fetchWheel(source, downloadFolder, options)
  await createEntry(cacheFolder, key, async folder => {
    const files = await unpackWheel(wheelFile, folder, done =>
      options.onProgress({
        label: `unpacking TensorFlow ${source.version}`,
        done: Math.min(done, source.unpackedBytes),
        total: source.unpackedBytes,
        unit: 'bytes',
      }),
    )
    return { version: source.version, files }
  })
  await rm(downloadFolder, { recursive: true, force: true })
  return cachedLibrary(cacheFolder, key)
}

function cachedLibrary(cacheFolder: string, key: string): Library {
  const folder = join(cacheFolder, key)
  return {
    key,
    folder,
    libraryFolder: join(folder, 'lib'),
    includeFolder: join(folder, 'include'),
    linkNames: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
  }
}

function offlineError(source: WheelSource, cacheFolder: string): LockstepError {
  return new LockstepError(
    'tensorflow-offline',
    `TensorFlow ${source.version} is not in the cache and the network is off`,
    {
      expected: `${libraryKey(source)} in ${cacheFolder}`,
      received: 'nothing there, or a damaged copy',
      hint:
        'Start once without --offline (and without LOCKSTEP_OFFLINE), or fetch the wheel elsewhere with ' +
        `\`python3 -m pip ${pipDownloadArguments(source, '.').join(' ')}\`, unpack it (it is a zip file) ` +
        'and name its folder `tensorflow` in LOCKSTEP_LIBTENSORFLOW.',
    },
  )
}
