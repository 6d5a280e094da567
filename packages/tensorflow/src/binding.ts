import { createHash } from 'node:crypto'
import { readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { LockstepError } from '@lockstep/protocol'
import { createEntry, type Manifest, readEntry, sha256OfFile } from './cache-entry.ts'
import { findCompiler } from './compiler.ts'
import { withInstallLock } from './install-lock.ts'
import type { InstallOptions, Library } from './library.ts'
import { runTool } from './run-tool.ts'

/** Node-API 8 is served by every Node from 12.22, so that one binary fits Node 20, 22 and 24. */
const nodeApiVersion = 8
const bindingName = 'tfjs_binding.node'
const sources = ['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'] as const
const require = createRequire(import.meta.url)

export type Binding = { readonly file: string; readonly tensorFlowVersion: string }

/**
 * tfjs-node's native binding for a library, compiled first when it is missing or damaged. It lies in the cache under a
 * name made of everything that enters it, and finds its library through the link `library` beside it.
 * Throws LockstepError `TENSORFLOW_NO_COMPILER`, `TENSORFLOW_BUILD_FAILED` or `TENSORFLOW_LOAD_FAILED`.
 */
export async function ensureBinding(library: Library, options: InstallOptions): Promise<Binding> {
  const name = await bindingKey(library)
  const folder = join(options.cacheFolder, name)
  const found = await readEntry(folder)
  if (found !== undefined) return describeBinding(folder, found)
  const onWait = () =>
    options.onNotice(`another process is building the TensorFlow binding in ${options.cacheFolder}; waiting for it`)
  return await withInstallLock(options.cacheFolder, onWait, async () => {
    const built = (await readEntry(folder)) ?? (await buildBinding(library, name, options))
    return describeBinding(folder, built)
  })
}

/** The root folder of the npm package tfjs-node. */
export function tfjsNodeFolder(): string {
  return dirname(require.resolve('@tensorflow/tfjs-node/package.json'))
}

function describeBinding(folder: string, manifest: Manifest): Binding {
  return { file: join(folder, bindingName), tensorFlowVersion: manifest.version }
}

async function bindingKey(library: Library): Promise<string> {
  const { version } = JSON.parse(await readFile(join(tfjsNodeFolder(), 'package.json'), 'utf8'))
  const inputs = [version, nodeApiVersion, process.arch, library.key, library.linkNames, compilerFlags]
  const hash = createHash('sha256').update(JSON.stringify(inputs)).digest('hex')
  return `binding-${version}-${hash.slice(0, 12)}`
}

async function buildBinding(library: Library, name: string, options: InstallOptions): Promise<Manifest> {
  const compiler = await findCompiler(options.environment)
  const label = 'building the TensorFlow binding'
  options.onProgress({ label, done: 0, total: 1, unit: 'steps' })
  const manifest = await createEntry(options.cacheFolder, name, async folder => {
    await linkLibrary(library, folder, options.cacheFolder)
    await compile(compiler.command, library, folder, options)
    const version = await tryBinding(join(folder, bindingName), options)
    return { version, files: [{ path: bindingName, sha256: await sha256OfFile(join(folder, bindingName)) }] }
  })
  options.onProgress({ label, done: 1, total: 1, unit: 'steps' })
  return manifest
}

/** A library in the same cache is linked by a relative path, so that the whole cache can be moved. */
async function linkLibrary(library: Library, folder: string, cacheFolder: string): Promise<void> {
  const inside = !relative(cacheFolder, library.libraryFolder).startsWith('..')
  await symlink(inside ? relative(folder, library.libraryFolder) : library.libraryFolder, join(folder, 'library'))
}

const compilerFlags = ['-std=c++17', '-O2', '-fPIC', '-shared', '-w', `-DNAPI_VERSION=${nodeApiVersion}`] as const

async function compile(compiler: string, library: Library, folder: string, options: InstallOptions): Promise<void> {
  const root = tfjsNodeFolder()
  const nodeApiHeaders = join(dirname(require.resolve('node-api-headers/package.json')), 'include')
  const args = [
    ...compilerFlags,
    ...[root, library.includeFolder, nodeApiHeaders].map(path => `-I${path}`),
    ...sources.map(source => join(root, source)),
    `-L${library.libraryFolder}`,
    ...library.linkNames.map(name => `-l:${name}`),
    '-Wl,-rpath,$ORIGIN/library',
    '-o',
    join(folder, bindingName),
  ]
  const result = await runTool(compiler, args, { environment: options.environment })
  if (result.failure === undefined) return
  throw new LockstepError('TENSORFLOW_BUILD_FAILED', 'The TensorFlow binding could not be built', {
    expected: `${compiler} compiles tfjs-node’s binding`,
    received: lastLines(result.output) || result.failure,
    hint: 'The compiler needs C++17 and its standard library (Debian, Ubuntu: `sudo apt-get install g++`).',
  })
}

/**
 * Loads the new binding in a process of its own, which makes a TensorFlow context: a CPU or C library that TensorFlow
 * cannot live with ends that process and not this one. Returns the version that the library says it has.
 */
async function tryBinding(file: string, options: InstallOptions): Promise<string> {
  const script = 'process.stdout.write("version " + require(process.argv[1]).TF_Version)'
  const result = await runTool(process.execPath, ['-e', script, file], {
    environment: { ...options.environment, TF_CPP_MIN_LOG_LEVEL: '3' },
  })
  const version = /version (\S+)$/.exec(result.output)?.[1]
  if (result.failure === undefined && version !== undefined) return version
  throw new LockstepError('TENSORFLOW_LOAD_FAILED', 'TensorFlow was installed but does not load on this machine', {
    expected: `${basename(file)} loads in Node ${process.version}`,
    received: lastLines(result.output) || result.failure || 'no version',
    hint: 'Run `pnpm cli doctor`; another build of TensorFlow can be named in LOCKSTEP_LIBTENSORFLOW.',
  })
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-8).join('\n')
}
