import { expect, onTestFinished, test, vi } from 'vitest'
import { createArithmetic } from '../../src/arithmetic/index.ts'

const capacityBytes = 65_536

test('the environment names the arithmetic, and the caller overrides it', () => {
  const named = (name: string) => createArithmetic({ capacityBytes, environment: { LOCKSTEP_ARITHMETIC: name } }).name
  expect([named('plain'), named('wasm')]).toEqual(['plain', 'wasm'])
  const environment = { LOCKSTEP_ARITHMETIC: 'plain' }
  expect(createArithmetic({ capacityBytes, kind: 'wasm', environment }).name).toBe('wasm')
})

test('without a name it is WebAssembly, which every machine that tests run on has', () => {
  expect(createArithmetic({ capacityBytes, environment: {} }).name).toBe('wasm')
})

test('where there is no memory for WebAssembly it is plain, unless WebAssembly is demanded', () => {
  const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: { Memory: () => unknown } }
  const memory = vi.spyOn(WebAssembly, 'Memory').mockImplementation(function refuse() {
    throw new RangeError('could not allocate memory')
  })
  onTestFinished(() => memory.mockRestore())
  const create = (environment: NodeJS.ProcessEnv) => createArithmetic({ capacityBytes, environment })
  expect(create({}).name).toBe('plain')
  const refusal = {
    code: 'arithmetic-memory',
    received: 'could not allocate memory',
    hint: expect.stringContaining('ulimit'),
  }
  expect(() => create({ LOCKSTEP_ARITHMETIC: 'wasm' })).toThrow(expect.objectContaining(refusal))
})

test('any other name is a mistake of usage', () => {
  const create = () => createArithmetic({ capacityBytes, environment: { LOCKSTEP_ARITHMETIC: 'fast' } })
  expect(create).toThrow(expect.objectContaining({ code: 'arithmetic-unknown', kind: 'usage', received: 'fast' }))
})

test('vectors are zero, share a memory while there is room, and are ordinary ones afterwards', () => {
  const arithmetic = createArithmetic({ capacityBytes, kind: 'wasm' })
  // 4,000 bytes take 63 lines of 64 bytes, 4,032; 16 of them fit into a page of 65,536 bytes.
  const vectors = Array.from({ length: 17 }, () => arithmetic.allocate(1000))
  expect(new Set(vectors.map(({ buffer }) => buffer)).size).toBe(2)
  expect(vectors.map(({ byteOffset }) => byteOffset % 64)).toEqual(new Array(17).fill(0))
  expect(vectors[16]!.byteOffset).toBe(0)
  for (const [i, vector] of vectors.entries()) vector.fill(i)
  for (const [i, vector] of vectors.entries()) expect(vector).toEqual(new Float32Array(1000).fill(i))
  expect(arithmetic.allocate(3)).toEqual(new Float32Array(3))
})

test('a vector is adopted once', () => {
  const arithmetic = createArithmetic({ capacityBytes, kind: 'wasm' })
  const adopted = arithmetic.adopt(Float32Array.of(1, 2, 3))
  expect(adopted).toEqual(Float32Array.of(1, 2, 3))
  expect(arithmetic.adopt(adopted)).toBe(adopted)
})
