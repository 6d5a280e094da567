import type { Precision } from './compile/index.ts'
import { findPlatform, type Platform } from './supported-machine.ts'

/** Either is enough for oneDNN's bfloat16; without one, TensorFlow computes it in plain loops. */
const bfloat16Flags = ['avx512f', 'avx_ne_convert']

/** What makes computing in a precision much slower on this CPU than it is on others, for people. */
export function findSlowness(
  precision: Precision,
  { architecture, cpuFlags }: Pick<Platform, 'architecture' | 'cpuFlags'> = findPlatform(),
): string[] {
  const isSlow = precision === 'bfloat16' && architecture === 'x64' && !bfloat16Flags.some(flag => cpuFlags.has(flag))
  return isSlow ? ['without AVX-512 many times slower in bfloat16 than in float32'] : []
}
