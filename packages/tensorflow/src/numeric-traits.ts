import type { Precision } from './compile/index.ts'
import { findSlowness } from './slowness.ts'
import { findPlatform, type Platform } from './supported-machine.ts'

/**
 * Describes, for people, the known reasons why TensorFlow's results in this process may differ in their last bits from
 * those elsewhere: the oneDNN kernels that its CPU supports. All CPUs with AVX-512 use the same ones for float32; for
 * bfloat16 it also matters whether the CPU has AVX-512 BF16.
 */
export function findCpuTraits(
  precision: Precision,
  { architecture, cpuFlags }: Pick<Platform, 'architecture' | 'cpuFlags'> = findPlatform(),
  environment: NodeJS.ProcessEnv = process.env,
): string[] {
  if (architecture !== 'x64') return [architecture]
  const slowness = findSlowness(precision, { architecture, cpuFlags })
  return [...kernelTraits(precision, cpuFlags, slowness), ...(hasOneDnn(environment) ? [] : ['without oneDNN'])]
}

/** The number of TensorFlow threads of this process, for people, unless it is the one that the run prescribes. */
export function findThreadTraits(
  prescribed: number,
  { TF_NUM_INTRAOP_THREADS: own }: NodeJS.ProcessEnv = process.env,
): string[] {
  return own === undefined || Number(own) === prescribed ? [] : [`${own} instead of ${prescribed} threads`]
}

function kernelTraits(precision: Precision, cpuFlags: Platform['cpuFlags'], slowness: string[]): string[] {
  if (slowness.length > 0) return slowness
  if (!cpuFlags.has('avx512f')) return ['without AVX-512']
  return precision === 'bfloat16' && !cpuFlags.has('avx512_bf16') ? ['without AVX-512 BF16'] : []
}

function hasOneDnn({ TF_ENABLE_ONEDNN_OPTS: choice }: NodeJS.ProcessEnv): boolean {
  return choice !== '0' && choice !== 'false'
}
