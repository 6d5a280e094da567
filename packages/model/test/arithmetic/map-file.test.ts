import type { SystemMemory } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { createArithmetic, mapIntoArithmetic, mappedBytesFor, plainArithmetic } from '../../src/arithmetic/index.ts'

const pageBytes = 4096
const wasmWith = (mappedBytes: number) => createArithmetic({ capacityBytes: 100, mappedBytes, kind: 'wasm' })

/** A system that fills what it maps with the position in the file. */
function createSystem(refusal?: Error) {
  const unmapped: Uint8Array[] = []
  const system: SystemMemory = {
    mapFile: (_, position, byteLength) => new Uint8Array(byteLength).fill(position).buffer,
    mapFileOver: (_, position, pages) => {
      if (refusal !== undefined) throw refusal
      pages.fill(position)
    },
    unmapFile: pages => {
      unmapped.push(pages)
    },
    useHugePages: () => false,
  }
  return { system, unmapped }
}

describe('pages of the arithmetic', () => {
  test('are whole pages of its memory, apart from its vectors', () => {
    const arithmetic = wasmWith(3 * pageBytes)
    const vector = arithmetic.allocate(20)
    const [first, second] = [arithmetic.takePages(pageBytes)!, arithmetic.takePages(2 * pageBytes)!]
    expect([first.buffer, second.buffer]).toEqual([vector.buffer, vector.buffer])
    expect([first.byteOffset, second.byteOffset]).toEqual([pageBytes, 2 * pageBytes])
    // The memory has whole pages of 64 KiB.
    expect(arithmetic.takePages(2 ** 16)).toBeNull()
    for (let i = 0; i < 20; i++) arithmetic.allocate(20)
    first.fill(255)
    expect([...vector]).toEqual(new Array(20).fill(0))
    // Vectors are allocated elsewhere once their part is full.
    expect(arithmetic.allocate(1000).buffer).not.toBe(vector.buffer)
  })

  test('can be taken again by size once they are given back', () => {
    const arithmetic = wasmWith(2 * pageBytes)
    const pages = arithmetic.takePages(2 * pageBytes)!
    arithmetic.giveBackPages(pages)
    expect(arithmetic.takePages(pageBytes)).not.toBe(pages)
    expect(arithmetic.takePages(2 * pageBytes)).toBe(pages)
  })

  test('do not exist in plain arithmetic, or where no room was asked for', () => {
    expect(plainArithmetic.takePages(pageBytes)).toBeNull()
    const arithmetic = createArithmetic({ capacityBytes: 2 ** 16, kind: 'wasm' })
    expect(arithmetic.takePages(pageBytes)).toBeNull()
  })
})

describe('a file', () => {
  test('is mapped over pages of the arithmetic, which are free again afterwards', () => {
    const arithmetic = wasmWith(pageBytes)
    const { system, unmapped } = createSystem()
    const map = mapIntoArithmetic(system, arithmetic)
    const { bytes, unmap } = map(3, 7, pageBytes)
    expect(bytes.buffer).toBe(arithmetic.allocate(1).buffer)
    expect(bytes.every(byte => byte === 7)).toBe(true)
    unmap()
    expect(unmapped).toEqual([bytes])
    expect(map(3, 8, pageBytes).bytes).toBe(bytes)
  })

  test('is mapped elsewhere if the arithmetic has no pages left', () => {
    const { system, unmapped } = createSystem()
    const { bytes, unmap } = mapIntoArithmetic(system, plainArithmetic)(3, 7, pageBytes)
    expect(bytes).toEqual(new Uint8Array(pageBytes).fill(7))
    unmap()
    expect(unmapped).toEqual([])
  })

  test('that cannot be mapped throws, and takes no pages', () => {
    const arithmetic = wasmWith(pageBytes)
    const refused = mapIntoArithmetic(createSystem(new Error('the file is shorter')).system, arithmetic)
    for (let attempt = 0; attempt < 100; attempt++) expect(() => refused(3, 7, pageBytes)).toThrow('shorter')
    expect(arithmetic.takePages(pageBytes)).not.toBeNull()
  })
})

test('there is room for 64 slots, at most 1 GiB', () => {
  expect(mappedBytesFor(1 << 20)).toBe(64 << 20)
  expect(mappedBytesFor(100 << 20)).toBe(1 << 30)
})
