import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { LockstepError, type ProgressListener } from '@lockstep/protocol'
import { createEntry, findLeftovers, makeAside, readEntry } from './cache-entry.ts'
import { requireDiskSpace } from './disk-space.ts'
import { fetchWheel, findFetchedWheel } from './fetch-wheel.ts'
import { withInstallLock } from './install-lock.ts'
import { unpackWheel } from './unpack-wheel.ts'
import { pipDownloadArguments, type WheelSource } from './wheel-source.ts'

/** A libtensorflow with its headers, from the cache or the user's own. */
export type Library = {
  /** Unique to this library; part of the key of each binding built against it. */
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
  /** Forbids the network. */
  readonly offline: boolean
  readonly onProgress: ProgressListener
  readonly onNotice: (text: string) => void
}

/** The name of a wheel's library in the cache. */
export function libraryKey(source: WheelSource): string {
  return `${source.version}-${source.platformTag}-${source.sha256.slice(0, 12)}`
}

/** Finds the cached library; undefined if it is missing or damaged. Writes nothing. Throws as `readEntry` does. */
export async function findCachedLibrary(source: WheelSource, cacheFolder: string): Promise<Library | undefined> {
  const key = libraryKey(source)
  return (await readEntry(join(cacheFolder, key))) && cachedLibrary(cacheFolder, key)
}

/**
 * Returns the cached library, and installs it first if it is missing or damaged.
 * Throws LockstepError `tensorflow-offline` if it would need a download while offline, the errors of `fetchWheel` and
 * `requireDiskSpace`, and file system errors unchanged.
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
  const { folder: wheelFolder, complete } = await prepareWheelFolder(source, cacheFolder)
  try {
    await requireDiskSpace(cacheFolder, source.unpackedBytes + (complete ? 0 : 2 * source.bytes))
    const wheelFile = complete ? join(wheelFolder, source.fileName) : await fetchWheel(source, wheelFolder, options)
    const label = `unpacking TensorFlow ${source.version}`
    await createEntry(cacheFolder, key, async folder => {
      const onBytes = (done: number, total: number) => options.onProgress({ label, done, total, unit: 'bytes' })
      return { version: source.version, files: await unpackWheel(wheelFile, folder, onBytes) }
    })
  } finally {
    // After a failure too, since the disk may be full.
    await rm(wheelFolder, { recursive: true, force: true })
  }
  return cachedLibrary(cacheFolder, key)
}

/** Returns a killed installer's folder with the complete wheel, or else a new one. Removes all other leftovers. */
async function prepareWheelFolder(
  source: WheelSource,
  cacheFolder: string,
): Promise<{ readonly folder: string; readonly complete: boolean }> {
  const leftovers = await findLeftovers(cacheFolder)
  const fetched = await findFetchedWheel(source, leftovers)
  for (const folder of leftovers) {
    if (folder !== fetched) await rm(folder, { recursive: true, force: true })
  }
  return { folder: fetched ?? (await makeAside(cacheFolder)), complete: fetched !== undefined }
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
