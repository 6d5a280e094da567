import { readFileSync } from 'node:fs'
import { LockstepError } from '@lockstep/protocol'
import { oldestGlibc, type WheelSource } from './wheel-source.ts'

export type LibC = { readonly name: 'glibc' | 'musl' | 'other'; readonly version?: string }

export type Platform = {
  readonly system: string
  readonly architecture: string
  readonly libC: LibC
  /** Instruction sets by their names in /proc/cpuinfo. */
  readonly cpuFlags: ReadonlySet<string>
}

/** This machine. */
export function findPlatform(): Platform {
  return { system: process.platform, architecture: process.arch, libC: findLibC(), cpuFlags: findCpuFlags() }
}

/**
 * Returns the wheel if the platform can run its library. Throws LockstepError `tensorflow-unsupported-machine`.
 */
export function requireSupportedMachine(source: WheelSource | undefined, platform = findPlatform()): WheelSource {
  const { system, architecture, libC, cpuFlags } = platform
  if (source === undefined) throw unsupported(`${system} on ${architecture}`, 'Linux on x64 or arm64')
  if (libC.name !== 'glibc' || isOlder(libC.version ?? '', oldestGlibc)) {
    throw unsupported(`${libC.name} ${libC.version ?? ''}`.trim(), `glibc ${oldestGlibc.join('.')} or newer`)
  }
  const flag = source.requiredCpuFlag
  if (flag !== undefined && !cpuFlags.has(flag)) throw unsupported(`a CPU without ${flag}`, `a CPU with ${flag}`)
  return source
}

/** The C library that this Node uses. */
function findLibC(): LibC {
  const report = process.report?.getReport() as unknown as NodeReport | undefined
  const glibcVersion = report?.header.glibcVersionRuntime
  if (glibcVersion !== undefined) return { name: 'glibc', version: glibcVersion }
  return { name: report?.sharedObjects.some(path => path.includes('musl')) ? 'musl' : 'other' }
}

/** The instruction sets of the first CPU by their names in /proc/cpuinfo; empty if the file does not exist. */
function findCpuFlags(): ReadonlySet<string> {
  try {
    const line = /^(?:flags|Features)\s*:(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? ''
    return new Set(line.trim().split(/\s+/))
  } catch {
    return new Set()
  }
}

type NodeReport = {
  readonly header: { readonly glibcVersionRuntime?: string }
  readonly sharedObjects: readonly string[]
}

function isOlder(version: string, oldest: readonly [number, number]): boolean {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major < oldest[0] || (major === oldest[0] && minor < oldest[1])
}

function unsupported(received: string, expected: string): LockstepError {
  return new LockstepError(
    'tensorflow-unsupported-machine',
    `There is no TensorFlow wheel for this machine: ${received}`,
    {
      expected,
      received,
      hint: 'If you have a libtensorflow built for it, name its folder in LOCKSTEP_LIBTENSORFLOW.',
    },
  )
}
