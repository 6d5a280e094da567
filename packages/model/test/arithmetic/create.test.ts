import { expect, onTestFinished, test, vi } from 'vitest'
import { createArithmetic } from '../../src/arithmetic/index.ts'

const capacityBytes = 65_536
const { WebAssembly } = globalThis as unknown as {
  readonly WebAssembly: { validate: () => boolean; Memory: (size: { initial: number }) => unknown }
}

test('the environment chooses the arithmetic, and the caller can override it', () => {
  const named = (name: string) => createArithmetic({ capacityBytes, environment: { LOCKSTEP_ARITHMETIC: name } }).name
  expect([named('plain'), named('wasm')]).toEqual(['plain', 'wasm'])
  const environment = { LOCKSTEP_ARITHMETIC: 'plain' }
  expect(createArithmetic({ capacityBytes, kind: 'wasm', environment }).name).toBe('wasm')
})

test('the default is WebAssembly', () => {
  expect(createArithmetic({ capacityBytes, environment: {} }).name).toBe('wasm')
  expect(createArithmetic({ capacityBytes, environment: { LOCKSTEP_ARITHMETIC: '' } }).name).toBe('wasm')
})

test('without WebAssembly SIMD, the default is plain, and asking for WebAssembly is an error', () => {
  const validate = vi.spyOn(WebAssembly, 'validate').mockReturnValue(false)
  onTestFinished(() => validate.mockRestore())
  expect(createArithmetic({ capacityBytes, environment: {} }).name).toBe('plain')
  const demand = () => createArithmetic({ capacityBytes, kind: 'wasm' })
  expect(demand).toThrow(expect.objectContaining({ code: 'arithmetic-unsupported' }))
})

test('without memory for WebAssembly, the default is plain, and asking for WebAssembly is an error', () => {
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

test('where there is no room for mapped pages, WebAssembly does without them', () => {
  const { Memory } = WebAssembly
  const asked: number[] = []
  const memory = vi.spyOn(WebAssembly, 'Memory').mockImplementation(function limit(size) {
    asked.push(size.initial)
    if (size.initial > 1) throw new RangeError('could not allocate memory')
    return Reflect.construct(Memory as never, [size])
  })
  onTestFinished(() => memory.mockRestore())
  const arithmetic = createArithmetic({ capacityBytes, mappedBytes: 2 * 65_536, environment: {} })
  expect(arithmetic.name).toBe('wasm')
  expect(asked).toEqual([3, 1])
  expect(arithmetic.takePages(4096)).toBeNull()
})

test('at most the 4 GiB that 32-bit addresses reach are requested', () => {
  const pages: number[] = []
  const memory = vi.spyOn(WebAssembly, 'Memory').mockImplementation(function refuse({ initial }) {
    pages.push(initial)
    throw new RangeError('could not allocate memory')
  })
  onTestFinished(() => memory.mockRestore())
  for (const gibibytes of [3, 5]) createArithmetic({ capacityBytes: gibibytes * 2 ** 30, environment: {} })
  // Pages have 64 KiB, 2¹⁴ of them a GiB; 4 GiB are 2¹⁶.
  expect(pages).toEqual([3 * 2 ** 14, 2 ** 16])
})

test('an unknown name is a usage error', () => {
  const create = () => createArithmetic({ capacityBytes, environment: { LOCKSTEP_ARITHMETIC: 'fast' } })
  expect(create).toThrow(expect.objectContaining({ code: 'arithmetic-unknown', kind: 'usage', received: 'fast' }))
})

test('vectors share one memory until it is full, and later ones are ordinary arrays', () => {
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

test('a capacity smaller than a page is available', () => {
  const arithmetic = createArithmetic({ capacityBytes: 128, kind: 'wasm' })
  const [first, second] = [arithmetic.allocate(16), arithmetic.allocate(16)]
  expect(second.buffer).toBe(first.buffer)
})

test('bfloat16 vectors are in the same memory and do not overlap other vectors', () => {
  const arithmetic = createArithmetic({ capacityBytes, kind: 'wasm' })
  const vectors = [arithmetic.allocate(100), arithmetic.allocateBfloat16(100), arithmetic.allocate(100)] as const
  expect(new Set(vectors.map(({ buffer }) => buffer)).size).toBe(1)
  for (const [i, vector] of vectors.entries()) vector.fill(i + 1)
  expect(vectors.map(vector => [...new Set(vector)])).toEqual([[1], [2], [3]])
})

test('adopting a vector again returns the same vector', () => {
  const arithmetic = createArithmetic({ capacityBytes, kind: 'wasm' })
  const adopted = arithmetic.adopt(Float32Array.of(1, 2, 3))
  expect(adopted).toEqual(Float32Array.of(1, 2, 3))
  expect(arithmetic.adopt(adopted)).toBe(adopted)
})
