import { readFileSync } from 'node:fs'
import { LockstepError } from '@lockstep/protocol'
import { oldestGlibc, type WheelSource } from './wheel-source.ts'

export type LibC = { readonly name: 'glibc' | 'musl' | 'other'; readonly version?: string }

/** The wheel, when this machine can run what is in it. Throws LockstepError `tensorflow-unsupported-machine`. */
export function requireSupportedMachine(source: WheelSource | undefined): WheelSource {
  const machine = `${process.platform} on ${process.arch}`
  if (source === undefined) throw unsupported(machine, 'Linux on x64 or arm64')
  const libC = findLibC()
  if (libC.name !== 'glibc' || isOlder(libC.version ?? '', oldestGlibc)) {
    throw unsupported(`${libC.name} ${libC.version ?? ''}`.trim(), `glibc ${oldestGlibc.join('.')} or newer`)
  }
  const flag = source.requiredCpuFlag
  if (flag !== undefined && !cpuFlags().has(flag)) throw unsupported(`a CPU without ${flag}`, `a CPU with ${flag}`)
  return source
}

/** The C library that this Node runs on. */
export function findLibC(): LibC {
  const report = process.report?.getReport() as unknown as NodeReport | undefined
  const glibcVersion = report?.header.glibcVersionRuntime
  if (glibcVersion !== undefined) return { name: 'glibc', version: glibcVersion }
  return { name: report?.sharedObjects.some(path => path.includes('musl')) ? 'musl' : 'other' }
}

/** The instruction sets of the first CPU by their names in /proc/cpuinfo; empty where there is no such file. */
export function cpuFlags(): ReadonlySet<string> {
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
