import { createReadStream } from 'node:fs'
import { mkdir, readFile, rm, symlink } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LockstepError } from '@lockstep/protocol'
import { type EntryFile, sha256OfFile } from './cache-entry.ts'
import { runCompiler } from './compiler.ts'
import type { Library } from './library.ts'
import { runTool } from './run-tool.ts'
import { systemMemoryName } from './system-memory.ts'
import { nodeApiHeadersFolder, tfjsNodeFolder } from './tfjs-node.ts'

export const bindingName = 'tfjs_binding.node'
/** An addon that keeps TensorFlow from logging, to be loaded before the binding. Older libraries do not need it. */
export const quietName = 'quiet.node'

const quietSource = nativeSource('quiet.cc')
const memorySource = nativeSource('memory.cc')
const bindingSources = ['binding/tfjs_backend.cc', 'binding/tfjs_binding.cc'] as const
const flags = [
  '-std=c++17',
  '-O2',
  '-fPIC',
  '-shared',
  '-w',
  // Node supports Node-API 8 since 12.22, so one binary works in Node 20, 22 and 24.
  '-DNAPI_VERSION=8',
  // If TensorFlow were unloaded at the end of a worker thread, the process would crash when it exits.
  '-Wl,-z,nodelete',
  '-Wl,--no-as-needed',
  '-Wl,-rpath,$ORIGIN/library',
] as const

export type Build = {
  readonly compiler: string
  readonly library: Library
  /** Where the binding is written. */
  readonly folder: string
  readonly cacheFolder: string
  readonly environment: NodeJS.ProcessEnv
}

/** The inputs of the build besides tfjs-node and the library. */
export async function buildRecipe(): Promise<readonly string[]> {
  return [...flags, await readFile(quietSource, 'utf8'), await readFile(memorySource, 'utf8')]
}

/**
 * Compiles tfjs-node's binding and our own addons, and tries to load the binding. The binding finds its library through
 * the symbolic link `library` beside it.
 */
export async function buildBinding(
  build: Build,
): Promise<{ readonly version: string; readonly files: readonly EntryFile[] }> {
  const { library, folder } = build
  await symlink(linkTarget(build), join(folder, 'library'))
  const root = tfjsNodeFolder()
  const stubs = await makeStubs(build)
  await compile(build, bindingName, [
    ...[root, library.includeFolder].map(path => `-I${path}`),
    ...bindingSources.map(source => join(root, source)),
    `-L${stubs}`,
    ...library.linkNames.map(name => `-l:${name}`),
  ])
  await rm(stubs, { recursive: true })
  await compile(build, systemMemoryName, [memorySource])
  const names = [bindingName, systemMemoryName]
  const release = await findAbseilRelease(library)
  if (release !== undefined) {
    await compile(build, quietName, [`-DABSL_NAMESPACE=${release}`, quietSource])
    names.push(quietName)
  }
  const version = await tryBinding(join(folder, bindingName), build.environment)
  const files = await Promise.all(names.map(async path => ({ path, sha256: await sha256OfFile(join(folder, path)) })))
  return { version, files }
}

function nativeSource(name: string): string {
  return fileURLToPath(new URL(`../native/${name}`, import.meta.url))
}

/** The link's target: a relative path for a library in the same cache, so that the whole cache can be moved. */
function linkTarget({ library, folder, cacheFolder }: Build): string {
  const inside = !relative(cacheFolder, library.libraryFolder).startsWith('..')
  return inside ? relative(folder, library.libraryFolder) : library.libraryFolder
}

/**
 * Makes empty libraries with the right names to link with. Reading the symbols of the real one (790 MB) would take the
 * linker 6 seconds, and the loader looks them up anyway.
 */
async function makeStubs(build: Build): Promise<string> {
  const folder = join(build.folder, 'stubs')
  await mkdir(folder)
  for (const name of build.library.linkNames) {
    await compile(build, join('stubs', name), ['-x', 'c++', '/dev/null', `-Wl,-soname,${name}`])
  }
  return folder
}

async function compile(build: Build, output: string, args: readonly string[]): Promise<void> {
  const headers = `-I${join(nodeApiHeadersFolder(), 'include')}`
  const { compiler, environment } = build
  const result = await runCompiler(compiler, [...flags, headers, ...args, '-o', join(build.folder, output)], {
    environment,
  })
  if (result.failure === undefined) return
  throw new LockstepError('tensorflow-build-failed', 'The TensorFlow binding could not be built', {
    expected: `${compiler} builds ${output}`,
    received: lastLines(result.output) || result.failure,
    hint: 'The compiler needs C++17 and its standard library (Debian, Ubuntu: `sudo apt-get install g++`).',
  })
}

/** The release of abseil in its symbols, such as `lts_20250814`; undefined if TensorFlow logs without abseil. */
async function findAbseilRelease({ libraryFolder, linkNames }: Library): Promise<string | undefined> {
  const symbol = /_ZN4absl\d+(lts_\d+)11MinLogLevelEv/
  let tail = ''
  const file = join(libraryFolder, linkNames.at(-1) ?? '')
  for await (const chunk of createReadStream(file, { encoding: 'latin1', highWaterMark: 1 << 20 })) {
    const release = symbol.exec(tail + chunk)?.[1]
    if (release !== undefined) return release
    tail = chunk.slice(-80)
  }
  return undefined
}

/**
 * Loads a binding in a separate process, where it creates a TensorFlow context. On an incompatible CPU or C library
 * that process crashes and not this one. Returns the version that the library reports. Throws LockstepError
 * `tensorflow-load-failed`.
 */
export async function tryBinding(file: string, environment: NodeJS.ProcessEnv): Promise<string> {
  const script = `
    try { process.stdout.write("<version " + require(process.argv[1]).TF_Version + ">") }
    catch (error) { process.stderr.write(error.message); process.exitCode = 1 }`
  // LD_BIND_NOW resolves all symbols at once, so that one missing from the library is an error here.
  const result = await runTool(process.execPath, ['-e', script, file], {
    environment: { ...environment, LD_BIND_NOW: '1' },
  })
  const version = /<version (\S+)>/.exec(result.output)?.[1]
  if (result.failure === undefined && version !== undefined) return version
  throw new LockstepError('tensorflow-load-failed', 'TensorFlow does not load on this machine', {
    expected: `its binding loads in Node ${process.version}`,
    received: lastLines(result.output) || result.failure || 'no version',
    hint: 'Run `pnpm cli doctor`; another build of TensorFlow can be named in LOCKSTEP_LIBTENSORFLOW.',
  })
}

function lastLines(text: string): string {
  return text.trim().split('\n').slice(-8).join('\n')
}
