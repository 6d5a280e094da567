import { resolve } from 'node:path'
import { describeError, LockstepError, userCacheFolder } from '@lockstep/protocol'
import { ensureBinding } from './binding.ts'
import { diskFullError } from './disk-space.ts'
import { ensureCachedLibrary, findCachedLibrary, type InstallOptions, type Library } from './library.ts'
import { findOwnLibrary } from './own-library.ts'
import { requireTools } from './required-tools.ts'
import { requireSupportedMachine } from './supported-machine.ts'
import { wasmVersion } from './wasm/register.ts'
import { pinnedWheelFor, type WheelSource } from './wheel-source.ts'

export type Backend = Provisioned['backend']

/** The backend that computes on this machine, and its files. Plain data, which is passed to worker processes. */
export type Provisioned = ProvisionedTensorFlow | ProvisionedWasm

export type ProvisionedTensorFlow = {
  readonly backend: 'tensorflow'
  readonly libraryFolder: string
  /** tfjs-node's native binding to the library. */
  readonly bindingFile: string
  readonly version: string
}

export type ProvisionedWasm = {
  readonly backend: 'wasm'
  /** Version of tfjs's WebAssembly backend. */
  readonly version: string
  /** Why it is not TensorFlow. */
  readonly reason: string
}

export type ProvisionOptions = Omit<InstallOptions, 'cacheFolder'>

/**
 * Installs TensorFlow if this machine does not have it yet (pip downloads a wheel of some 280 MB, and a binding is
 * built in seconds) and returns its location. If it is already installed, this takes a few milliseconds. If it cannot
 * be installed, prints a prominent notice with the reason and what to do, and falls back to WebAssembly. Call it once
 * per command, before workers start. Throws LockstepError `tensorflow-library-invalid` if LOCKSTEP_LIBTENSORFLOW does
 * not name a library.
 */
export function provisionTensorFlow(options: ProvisionOptions): Promise<Provisioned> {
  return provisionFrom(pinnedWheelFor(process.platform, process.arch), options)
}

/** `provisionTensorFlow` with a wheel of the caller's choice. */
export async function provisionFrom(source: WheelSource | undefined, options: ProvisionOptions): Promise<Provisioned> {
  const cacheFolder = tensorFlowCacheFolder(options.environment)
  const offline = options.offline || isSet(options.environment.LOCKSTEP_OFFLINE)
  const install: InstallOptions = { ...options, cacheFolder, offline }
  try {
    const library = await ensureLibrary(source, install)
    const binding = await ensureBinding(library, install)
    return {
      backend: 'tensorflow',
      libraryFolder: library.libraryFolder,
      bindingFile: binding.file,
      version: binding.tensorFlowVersion,
    }
  } catch (error) {
    const reason = asReason(error, cacheFolder)
    options.onNotice(fallbackNotice(reason))
    return { backend: 'wasm', version: wasmVersion, reason: reason.message }
  }
}

/** lockstep's folder for TensorFlow in the user's cache. */
export function tensorFlowCacheFolder(environment: NodeJS.ProcessEnv): string {
  return resolve(userCacheFolder(environment), 'tensorflow')
}

async function ensureLibrary(source: WheelSource | undefined, install: InstallOptions): Promise<Library> {
  const ownFolder = install.environment.LOCKSTEP_LIBTENSORFLOW
  if (ownFolder) return await findOwnLibrary(ownFolder)
  const cached = source && (await findCachedLibrary(source, install.cacheFolder))
  if (cached !== undefined) return cached
  const supported = requireSupportedMachine(source)
  // Check the tools first: nobody should download 280 MB only to learn that a compiler is missing.
  if (!install.offline) await requireTools(install.environment)
  return await ensureCachedLibrary(supported, install)
}

function isSet(variable: string | undefined): boolean {
  return variable !== undefined && variable !== '' && variable !== '0'
}

/** Converts an error into the reason for continuing without TensorFlow. Rethrows user errors and bugs. */
export function asReason(error: unknown, cacheFolder: string): LockstepError {
  if (error instanceof LockstepError) {
    if (error.kind === 'world') return error
    throw error
  }
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') throw error
  if (error.code === 'ENOSPC' || error.code === 'EDQUOT')
    return diskFullError(cacheFolder, 'room to unpack', error.message)
  return new LockstepError('tensorflow-cache-unusable', `TensorFlow cannot be kept in ${cacheFolder}`, {
    received: error.message,
    hint: 'Make the folder readable and writable, or name another one with LOCKSTEP_CACHE_DIR, then start again.',
    cause: error,
  })
}

function fallbackNotice(reason: LockstepError): string {
  const rule = '─'.repeat(80)
  const headline = 'TensorFlow is not available: computing with WEBASSEMBLY instead, several times slower.'
  return [rule, headline, describeError(reason), rule].join('\n')
}
