import { expect, test } from 'vitest'
import { findPlatform, type Platform, requireSupportedMachine } from '../src/supported-machine.ts'
import { pinnedWheelFor, type WheelSource } from '../src/wheel-source.ts'

const wheel = pinnedWheelFor('linux', 'x64') as WheelSource
const suitable: Platform = {
  system: 'linux',
  architecture: 'x64',
  libC: { name: 'glibc', version: '2.27' },
  cpuFlags: new Set(['sse2', 'avx']),
}

test('wheels exist only for Linux on x64 and arm64', () => {
  const known = ['linux x64', 'linux arm64', 'linux riscv64', 'darwin arm64', 'win32 x64'].filter(name => {
    const [system = '', architecture = ''] = name.split(' ')
    return pinnedWheelFor(system, architecture) !== undefined
  })
  expect(known).toEqual(['linux x64', 'linux arm64'])
})

test('the oldest C library and CPU that support the wheel are accepted', () => {
  expect(requireSupportedMachine(wheel, suitable)).toBe(wheel)
  const newer: Platform = { ...suitable, libC: { name: 'glibc', version: '3.0' } }
  expect(requireSupportedMachine(wheel, newer)).toBe(wheel)
})

test.each([
  ['an older glibc', { libC: { name: 'glibc', version: '2.17' } as const }, 'glibc 2.17', 'glibc 2.27 or newer'],
  ['a much older glibc', { libC: { name: 'glibc', version: '1.99' } as const }, 'glibc 1.99', 'glibc 2.27 or newer'],
  ['musl', { libC: { name: 'musl' } as const }, 'musl', 'glibc 2.27 or newer'],
  ['a CPU without AVX', { cpuFlags: new Set(['sse2']) }, 'a CPU without avx', 'a CPU with avx'],
])('%s is rejected', (_name, difference, received, expected) => {
  expect(() => requireSupportedMachine(wheel, { ...suitable, ...difference })).toThrow(
    expect.objectContaining({ code: 'tensorflow-unsupported-machine', received, expected }),
  )
})

test('the C library and instruction sets of this machine are detected', () => {
  const { libC, cpuFlags } = findPlatform()
  expect(libC).toEqual({ name: 'glibc', version: expect.stringMatching(/^\d+\.\d+$/) })
  expect(cpuFlags.size).toBeGreaterThan(0)
})
