import { createHash } from 'node:crypto'
import { mkdtemp, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asidePrefix, createEntry, readEntry } from '../cache-entry.ts'
import { savedModelFile } from './saved-model.ts'
import { type CompiledFunction, loadSession } from './session.ts'
import type { NativeBinding } from './tfjs-node-backend.ts'
import type { InputSpec } from './trace.ts'
import { unloadableError } from './trace-errors.ts'

const dayMs = 86_400_000
/** Entries that have not been used for this many days are removed. */
const keptDays = 30

export type CacheRequest = {
  readonly binding: NativeBinding
  readonly cacheFolder: string | undefined
  readonly key: string
  readonly inputs: readonly InputSpec[]
  /** Returns the bytes of the SavedModel's file. */
  readonly build: () => Uint8Array
}

/**
 * Loads the function cached under a key, and builds it first if it is missing or damaged or TensorFlow cannot load it.
 * If nothing can be cached, for example because the folder is not writable, the function works without the cache.
 * Throws LockstepError `compile-unsupported` if TensorFlow refuses the built graph, and the errors of `build`.
 */
export async function cachedFunction(request: CacheRequest): Promise<CompiledFunction> {
  return (await loadKept(request)) ?? (await buildAndKeep(request))
}

async function loadKept({ binding, cacheFolder, key, inputs }: CacheRequest): Promise<CompiledFunction | undefined> {
  if (cacheFolder === undefined) return undefined
  const folder = join(cacheFolder, key)
  try {
    if ((await readEntry(folder)) === undefined) return undefined
    const loaded = loadSession(binding, folder, inputs)
    await tolerateSystemErrors(() => utimes(folder, new Date(), new Date()))
    return loaded
  } catch {
    return undefined
  }
}

/** Loads a function before it caches it, so that a graph that TensorFlow refuses never enters the cache. */
async function buildAndKeep({ binding, cacheFolder, key, inputs, build }: CacheRequest): Promise<CompiledFunction> {
  const bytes = build()
  let loaded: CompiledFunction | undefined
  const fill = async (folder: string) => {
    await writeFile(join(folder, savedModelFile), bytes)
    loaded = load(binding, folder, inputs)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    return { version: binding.TF_Version, files: [{ path: savedModelFile, sha256 }] }
  }
  if (cacheFolder !== undefined) {
    await tolerateSystemErrors(async () => {
      await createEntry(cacheFolder, key, fill)
      await removeUnused(cacheFolder)
    })
  }
  if (loaded === undefined) await inTemporaryFolder(fill)
  return loaded!
}

function load(binding: NativeBinding, folder: string, inputs: readonly InputSpec[]): CompiledFunction {
  try {
    return loadSession(binding, folder, inputs)
  } catch (error) {
    throw unloadableError(error)
  }
}

async function inTemporaryFolder(use: (folder: string) => Promise<unknown>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-'))
  try {
    await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Removes old entries, and the temporary folders that killed processes left behind. */
async function removeUnused(cacheFolder: string): Promise<void> {
  for (const name of await readdir(cacheFolder)) {
    const folder = join(cacheFolder, name)
    const keptMs = name.startsWith(asidePrefix) ? dayMs : keptDays * dayMs
    if (Date.now() - (await stat(folder)).mtimeMs > keptMs) await rm(folder, { recursive: true, force: true })
  }
}

async function tolerateSystemErrors(act: () => Promise<void>): Promise<void> {
  try {
    await act()
  } catch (error) {
    if (!(error instanceof Error && 'syscall' in error)) throw error
  }
}
