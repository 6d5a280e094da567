import type { Precision } from './compile/index.ts'
import { findPlatform, type Platform } from './supported-machine.ts'

/** oneDNN needs one of these for bfloat16; without them, TensorFlow computes bfloat16 in plain loops. */
const bfloat16Flags = ['avx512f', 'avx_ne_convert']

/** Describes, for people, why a precision is much slower on this CPU than on others. */
export function findSlowness(
  precision: Precision,
  { architecture, cpuFlags }: Pick<Platform, 'architecture' | 'cpuFlags'> = findPlatform(),
): string[] {
  const isSlow = precision === 'bfloat16' && architecture === 'x64' && !bfloat16Flags.some(flag => cpuFlags.has(flag))
  return isSlow ? ['without AVX-512 many times slower in bfloat16 than in float32'] : []
}
