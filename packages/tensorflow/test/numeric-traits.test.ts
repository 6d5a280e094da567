import { expect, test } from 'vitest'
import { findCpuTraits, findThreadTraits } from '../src/numeric-traits.ts'

test.each([
  ['float32', 'x64', ['avx2'], ['without AVX-512']],
  ['float32', 'x64', ['avx512f'], []],
  ['float32', 'x64', ['avx512f', 'avx512_bf16'], []],
  ['bfloat16', 'x64', ['avx2'], ['without AVX-512 many times slower in bfloat16 than in float32']],
  ['bfloat16', 'x64', ['avx_ne_convert'], ['without AVX-512']],
  ['bfloat16', 'x64', ['avx512f'], ['without AVX-512 BF16']],
  ['bfloat16', 'x64', ['avx512f', 'avx512_bf16'], []],
  ['float32', 'arm64', ['asimd'], ['arm64']],
] as const)('the traits of %s on %s with %s are %j', (precision, architecture, flags, expected) => {
  expect(findCpuTraits(precision, { architecture, cpuFlags: new Set(flags) }, {})).toEqual(expected)
})

test('a process with oneDNN turned off has the trait "without oneDNN"', () => {
  const platform = { architecture: 'x64', cpuFlags: new Set(['avx512f']) }
  expect(findCpuTraits('float32', platform, { TF_ENABLE_ONEDNN_OPTS: '0' })).toEqual(['without oneDNN'])
  expect(findCpuTraits('float32', platform, { TF_ENABLE_ONEDNN_OPTS: '1' })).toEqual([])
})

test('a process with another number of threads than prescribed has a trait that gives both', () => {
  expect(findThreadTraits(1, { TF_NUM_INTRAOP_THREADS: '2' })).toEqual(['2 instead of 1 threads'])
  expect(findThreadTraits(2, { TF_NUM_INTRAOP_THREADS: '2' })).toEqual([])
  expect(findThreadTraits(1, {})).toEqual([])
})
