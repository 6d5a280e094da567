/**
 * The Python wheel that contains libtensorflow. Wheels include the C API library and its headers, are available from
 * every PyPI mirror, and are identified by a hash. Python itself is not used.
 */
export type WheelSource = {
  readonly version: string
  /** The requirement for pip: `tensorflow-cpu==2.21.0`. */
  readonly requirement: string
  /** pip's `--platform`. The number is the oldest glibc that the library runs on. */
  readonly platformTag: string
  readonly fileName: string
  readonly bytes: number
  readonly sha256: string
  /** Approximate size of the unpacked files. */
  readonly unpackedBytes: number
  /** Instruction set that the library requires, by its name in /proc/cpuinfo. */
  readonly requiredCpuFlag?: string
}

/** The oldest glibc that `manylinux_2_27` wheels run on (PEP 600). */
export const oldestGlibc = [2, 27] as const

const pinnedWheels: Readonly<Record<string, WheelSource>> = {
  x64: {
    version: '2.21.0',
    requirement: 'tensorflow-cpu==2.21.0',
    platformTag: 'manylinux_2_27_x86_64',
    fileName: 'tensorflow_cpu-2.21.0-cp312-cp312-manylinux_2_27_x86_64.whl',
    bytes: 274_000_871,
    sha256: 'dcc8afd32930e42d5296b6ee19078b773706830af4ea97fbe503b9f5e0f820cb',
    unpackedBytes: 854_000_000,
    requiredCpuFlag: 'avx',
  },
  arm64: {
    version: '2.21.0',
    requirement: 'tensorflow==2.21.0',
    platformTag: 'manylinux_2_27_aarch64',
    fileName: 'tensorflow-2.21.0-cp312-cp312-manylinux_2_27_aarch64.whl',
    bytes: 281_946_471,
    sha256: 'b07d15737406533898e36c7ef7944b1be18e9028dc521b9229952c537bbc5552',
    unpackedBytes: 884_000_000,
  },
}

/** The wheel for a platform and architecture, as Node names them; undefined if none is known to work. */
export function pinnedWheelFor(platform: string, architecture: string): WheelSource | undefined {
  return platform === 'linux' ? pinnedWheels[architecture] : undefined
}

/** The arguments of pip for downloading the wheel by hand. */
export function pipDownloadArguments(source: WheelSource, folder: string): readonly string[] {
  return [
    'download',
    '--no-deps',
    '--only-binary=:all:',
    '--python-version=3.12',
    `--platform=${source.platformTag}`,
    `--dest=${folder}`,
    source.requirement,
  ]
}
