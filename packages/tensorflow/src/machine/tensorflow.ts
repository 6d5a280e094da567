import { join } from 'node:path'
import { formatBytes, LockstepError } from '@lockstep/protocol'
import { findBinding } from '../binding.ts'
import { tryBinding } from '../build-binding.ts'
import { findDamagedFiles, readEntry } from '../cache-entry.ts'
import { findCachedLibrary, type Library } from '../library.ts'
import { findOwnLibrary } from '../own-library.ts'
import { asReason } from '../provision.ts'
import { type Platform, requireSupportedMachine } from '../supported-machine.ts'
import type { WheelSource } from '../wheel-source.ts'
import type { Finding } from './finding.ts'

export type TensorFlowFindings = {
  readonly findings: readonly Finding[]
  readonly libraryReady: boolean
  readonly bindingReady: boolean
}

export type TensorFlowPlace = {
  readonly source: WheelSource | undefined
  readonly platform: Platform
  readonly cacheFolder: string
  readonly environment: NodeJS.ProcessEnv
}

/** Checks the library (a cached one by the SHA-256 of every file) and the binding, which a separate process loads. */
export async function inspectTensorFlow(place: TensorFlowPlace): Promise<TensorFlowFindings> {
  const { finding, library } = await inspectLibrary(place)
  if (library === undefined) return { findings: [finding], libraryReady: false, bindingReady: false }
  const bindingFinding = await inspectBinding(library, place)
  return {
    findings: [finding, bindingFinding],
    libraryReady: finding.state === 'ok',
    bindingReady: bindingFinding.state === 'ok',
  }
}

type LibraryFinding = { readonly finding: Finding; readonly library?: Library }
const subject = 'TensorFlow'

async function inspectLibrary(place: TensorFlowPlace): Promise<LibraryFinding> {
  const own = place.environment.LOCKSTEP_LIBTENSORFLOW
  if (own) return await inspectOwnLibrary(own)
  const { source, cacheFolder } = place
  try {
    const library = source && (await findCachedLibrary(source, cacheFolder))
    return library === undefined ? { finding: notInstalled(place) } : await inspectCachedLibrary(library)
  } catch (error) {
    return { finding: fromError(asReason(error, cacheFolder), 'warning') }
  }
}

async function inspectOwnLibrary(folder: string): Promise<LibraryFinding> {
  try {
    const library = await findOwnLibrary(folder)
    const value = `${library.libraryFolder} (LOCKSTEP_LIBTENSORFLOW)`
    return { library, finding: { subject, state: 'ok', value, facts: { folder: library.libraryFolder, own: true } } }
  } catch (error) {
    return { finding: fromError(error, 'warning') }
  }
}

async function inspectCachedLibrary(library: Library): Promise<LibraryFinding> {
  const manifest = await readEntry(library.folder)
  const damaged = manifest === undefined ? ['manifest.json'] : await findDamagedFiles(library.folder, manifest)
  const facts = {
    folder: library.libraryFolder,
    version: manifest?.version ?? '',
    sha256Verified: damaged.length === 0,
  }
  if (damaged.length === 0) {
    const value = `${facts.version}, SHA-256 verified, in ${library.folder}`
    return { library, finding: { subject, state: 'ok', value, facts } }
  }
  const value = `damaged: ${damaged.map(path => join(library.folder, path)).join(', ')}`
  const remedy = `Remove it, and the next run installs it again: \`rm -r ${library.folder}\``
  return { library, finding: { subject, state: 'warning', value, remedy, facts: { ...facts, damaged } } }
}

function notInstalled({ source, platform }: TensorFlowPlace): Finding {
  try {
    const { version, bytes } = requireSupportedMachine(source, platform)
    const remedy = `The next \`pnpm cli train\` installs it (a download of ${formatBytes(bytes)}).`
    return { subject, state: 'missing', value: `${version} is not installed yet`, remedy, facts: { version } }
  } catch (error) {
    return fromError(error, 'missing')
  }
}

async function inspectBinding(library: Library, { cacheFolder, environment }: TensorFlowPlace): Promise<Finding> {
  const bindingSubject = 'TensorFlow binding'
  try {
    const binding = await findBinding(library, cacheFolder)
    if (binding === undefined) {
      const remedy = 'The next `pnpm cli train` builds it, which takes seconds.'
      return { subject: bindingSubject, state: 'missing', value: 'not built yet', remedy }
    }
    const version = await tryBinding(binding.file, environment)
    const value = `loads TensorFlow ${version}`
    return { subject: bindingSubject, state: 'ok', value, facts: { file: binding.file, version } }
  } catch (error) {
    return { ...fromError(asReason(error, cacheFolder), 'warning'), subject: bindingSubject }
  }
}

function fromError(error: unknown, state: Finding['state']): Finding {
  if (!(error instanceof LockstepError)) throw error
  const { message, received, hint } = error
  return { subject, state, value: received ? `${message} (${received})` : message, ...(hint && { remedy: hint }) }
}
