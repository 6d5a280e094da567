import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bindingName, buildBinding, buildRecipe } from './build-binding.ts'
import { createEntry, type Manifest, readEntry } from './cache-entry.ts'
import { findCompiler } from './compiler.ts'
import { withInstallLock } from './install-lock.ts'
import type { InstallOptions, Library } from './library.ts'
import { tfjsNodeFolder } from './tfjs-node.ts'

export type Binding = { readonly file: string; readonly tensorFlowVersion: string }

/**
 * Returns tfjs-node's native binding to a library, and builds it first if it is missing or damaged. Its key in the
 * cache is derived from everything that goes into the build. Throws LockstepError `tensorflow-no-compiler`,
 * `tensorflow-build-failed` or `tensorflow-load-failed`.
 */
export async function ensureBinding(library: Library, options: InstallOptions): Promise<Binding> {
  const found = await findBinding(library, options.cacheFolder)
  if (found !== undefined) return found
  const onWait = () =>
    options.onNotice(`another process is building the TensorFlow binding in ${options.cacheFolder}; waiting for it`)
  return await withInstallLock(options.cacheFolder, onWait, async () => {
    return (await findBinding(library, options.cacheFolder)) ?? (await installBinding(library, options))
  })
}

/** Finds the binding in the cache; undefined if it is missing or damaged. Writes nothing. */
export async function findBinding(library: Library, cacheFolder: string): Promise<Binding | undefined> {
  const folder = join(cacheFolder, await bindingKey(library))
  const manifest = await readEntry(folder)
  return manifest && describeBinding(folder, manifest)
}

async function installBinding(library: Library, options: InstallOptions): Promise<Binding> {
  const { cacheFolder, environment, onProgress } = options
  const compiler = await findCompiler(environment)
  const label = 'building the TensorFlow binding'
  onProgress({ label, done: 0, total: 1, unit: 'steps' })
  const name = await bindingKey(library)
  const manifest = await createEntry(cacheFolder, name, folder =>
    buildBinding({ compiler: compiler.command, library, folder, cacheFolder, environment }),
  )
  onProgress({ label, done: 1, total: 1, unit: 'steps' })
  return describeBinding(join(cacheFolder, name), manifest)
}

function describeBinding(folder: string, manifest: Manifest): Binding {
  return { file: join(folder, bindingName), tensorFlowVersion: manifest.version }
}

async function bindingKey(library: Library): Promise<string> {
  const { version } = JSON.parse(await readFile(join(tfjsNodeFolder(), 'package.json'), 'utf8'))
  const inputs = [version, process.arch, library.key, library.linkNames, await buildRecipe()]
  const hash = createHash('sha256').update(JSON.stringify(inputs)).digest('hex')
  return `binding-${version}-${hash.slice(0, 12)}`
}
