import { expect, test } from 'vitest'
import { findSlowness } from '../src/slowness.ts'

const slow = ['without AVX-512 many times slower in bfloat16 than in float32']

test.each([
  ['bfloat16', 'x64', 'avx2', slow],
  ['bfloat16', 'x64', 'avx512f', []],
  ['bfloat16', 'x64', 'avx_ne_convert', []],
  ['bfloat16', 'arm64', 'asimd', []],
  ['float32', 'x64', 'avx2', []],
] as const)('the slowness of %s on %s with %s is %j', (precision, architecture, flag, expected) => {
  expect(findSlowness(precision, { architecture, cpuFlags: new Set([flag]) })).toEqual(expected)
})
