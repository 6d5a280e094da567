import { closeSync, openSync, readFileSync, readSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createSlotFile, type MapFile, openSlotFile, type SystemMemory } from '@lockstep/protocol'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { provisionTensorFlow } from '../src/provision.ts'
import { loadSystemMemory } from '../src/system-memory.ts'
import { listen } from './support/machine.ts'

const pageBytes = 4096
let memory: SystemMemory

beforeAll(async () => {
  memory = loadSystemMemory(await provisionTensorFlow(listen(process.env).options))!
}, 600_000)

test('the system memory calls are not available on WebAssembly', () => {
  expect(loadSystemMemory({ backend: 'wasm', version: '4.22.0', reason: 'a test' })).toBeNull()
})

/** A file of two pages, the first of ones and the second of twos. */
async function open(flags: 'r' | 'r+') {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-map-'))
  const path = join(folder, 'file')
  writeFileSync(path, Buffer.concat([Buffer.alloc(pageBytes, 1), Buffer.alloc(pageBytes, 2)]))
  const descriptor = openSync(path, flags)
  onTestFinished(async () => {
    closeSync(descriptor)
    await rm(folder, { recursive: true })
  })
  return { path, descriptor }
}

describe('a mapped part of a file', () => {
  test('has the content of the file, and shares writes with it in both directions', async () => {
    const { path, descriptor } = await open('r+')
    const mapped = new Uint8Array(memory.mapFile(descriptor, pageBytes, pageBytes))
    expect(mapped).toEqual(new Uint8Array(pageBytes).fill(2))
    mapped[5] = 9
    const bytes = new Uint8Array(7)
    readSync(descriptor, bytes, 0, 7, pageBytes)
    expect([...bytes]).toEqual([2, 2, 2, 2, 2, 9, 2])
    writeFileSync(path, Uint8Array.of(7), { flag: 'r+' })
    expect(new Uint8Array(memory.mapFile(descriptor, 0, pageBytes)).subarray(0, 2)).toEqual(Uint8Array.of(7, 1))
  })

  test('can be read if the file is open for reading only, and outlives its descriptor', async () => {
    const { path } = await open('r')
    const descriptor = openSync(path, 'r')
    const mapped = new Uint8Array(memory.mapFile(descriptor, 0, 2 * pageBytes))
    closeSync(descriptor)
    expect(mapped).toEqual(new Uint8Array(readFileSync(path)))
  })

  test('must lie within the file, begin at a page, be of an open file and not be empty', async () => {
    const { descriptor } = await open('r+')
    expect(() => memory.mapFile(descriptor, pageBytes, pageBytes + 1)).toThrow('the file is shorter')
    expect(() => memory.mapFile(descriptor, 1, pageBytes)).toThrow('Invalid argument')
    expect(() => memory.mapFile(987_654, 0, pageBytes)).toThrow('Bad file descriptor')
    expect(() => memory.mapFile(descriptor, 0, 0)).toThrow('expected a descriptor, a position and a length')
  })
})

describe('a part of a file mapped over existing pages', () => {
  /** Pages of a WebAssembly memory, which begins at a page of the system. */
  const pagesOf = (count: number) => {
    const { WebAssembly: engine } = globalThis as unknown as {
      WebAssembly: { Memory: new (size: object) => { buffer: ArrayBuffer } }
    }
    const { buffer } = new engine.Memory({ initial: 1, maximum: 1 })
    return (first: number) => new Uint8Array(buffer, first * pageBytes, count * pageBytes)
  }

  test('shares writes with the file in both directions, and leaves the pages around it alone', async () => {
    const { path, descriptor } = await open('r+')
    const page = pagesOf(1)
    const [before, mapped, after] = [page(3).fill(4), page(4).fill(5), page(5).fill(6)]
    memory.mapFileOver(descriptor, pageBytes, mapped)
    expect(mapped).toEqual(new Uint8Array(pageBytes).fill(2))
    mapped[5] = 9
    expect(readFileSync(path)[pageBytes + 5]).toBe(9)
    writeFileSync(path, Buffer.concat([Buffer.alloc(pageBytes, 1), Buffer.alloc(pageBytes, 7)]), { flag: 'r+' })
    expect(mapped).toEqual(new Uint8Array(pageBytes).fill(7))
    expect([before[0], before.at(-1), after[0], after.at(-1)]).toEqual([4, 4, 6, 6])
  })

  test('is memory of zeros again once it is unmapped, and the file keeps its content', async () => {
    const { path, descriptor } = await open('r+')
    const mapped = pagesOf(2)(1)
    memory.mapFileOver(descriptor, 0, mapped)
    memory.unmapFile(mapped)
    expect(mapped).toEqual(new Uint8Array(2 * pageBytes))
    mapped.fill(8)
    expect(readFileSync(path)[0]).toBe(1)
  })

  test('must be whole pages, within the file, of an open file', async () => {
    const { descriptor } = await open('r+')
    const page = pagesOf(1)(1).fill(5)
    const expected = 'expected a descriptor, a position and a Uint8Array of whole pages'
    for (const part of [page.subarray(1), page.subarray(0, 100), page.subarray(0, 0), page.buffer])
      expect(() => memory.mapFileOver(descriptor, 0, part as Uint8Array)).toThrow(expected)
    expect(() => memory.mapFileOver(descriptor, -pageBytes, page)).toThrow(expected)
    expect(() => memory.mapFileOver(descriptor, 2 * pageBytes, page)).toThrow('the file is shorter')
    expect(() => memory.mapFileOver(descriptor, 1, page)).toThrow('Invalid argument')
    expect(() => memory.mapFileOver(987_654, 0, page)).toThrow('Bad file descriptor')
    expect(() => memory.unmapFile(page.subarray(8))).toThrow('expected a Uint8Array of whole pages')
    expect(page).toEqual(new Uint8Array(pageBytes).fill(5))
  })
})

describe('a slot file', () => {
  const mapFile: MapFile = (descriptor, position, byteLength) => ({
    bytes: new Uint8Array(memory.mapFile(descriptor, position, byteLength)),
    unmap: () => undefined,
  })
  const nonce = '0123456789abcdef'.repeat(2)

  /** The creator's end and another one, with slots 0 and 1 reserved; `ends` says which of them are mapped. */
  function create(ends: { own: boolean; other: boolean }, mode: 'r' | 'r+' = 'r+') {
    const own = createSlotFile('/dev/shm', pageBytes, nonce, ends.own ? mapFile : null)
    for (const slot of [0, 1]) own.reserve(slot)
    const other = openSlotFile(own.offer, nonce, mode, ends.other ? mapFile : null)!
    onTestFinished(() => {
      own.close()
      other.close()
    })
    return { own, other }
  }

  test.for([
    { own: true, other: true },
    { own: true, other: false },
    { own: false, other: true },
  ])('gives each end what the other has written, if these are mapped: %j', ends => {
    const { own, other } = create(ends)
    const tensors = [Uint8Array.of(1, 2, 3), Float32Array.of(0.5, Number.NaN, -0)]
    for (const [writer, reader] of [
      [own, other],
      [other, own],
    ] as const) {
      writer.write(0, [Uint8Array.of(8)])
      writer.write(1, tensors)
      const into = [new Uint8Array(3), new Float32Array(3)]
      reader.read(1, into)
      expect(into).toEqual(tensors)
      const first = new Uint8Array(1)
      reader.read(0, [first])
      expect(first[0]).toBe(8)
    }
  })

  test('cannot be written through an end that is open for reading only', () => {
    const { own, other } = create({ own: true, other: true }, 'r')
    own.write(0, [Uint8Array.of(1)])
    expect(() => other.write(0, [Uint8Array.of(2)])).toThrow(expect.objectContaining({ code: 'EBADF' }))
    const into = new Uint8Array(1)
    other.read(0, [into])
    expect(into[0]).toBe(1)
  })

  test('rejects reading a slot until it has been written', () => {
    const { own } = create({ own: true, other: true })
    const into = new Uint8Array(1)
    expect(() => own.read(5, [into])).toThrow(expect.objectContaining({ code: 'shared-memory-short' }))
    own.write(5, [Uint8Array.of(6)])
    own.read(5, [into])
    expect(into[0]).toBe(6)
  })
})

describe('huge pages', () => {
  test('keep the content of a buffer', () => {
    const bytes = new Uint8Array(9 << 20).map((_, index) => index % 251)
    memory.useHugePages(bytes.buffer)
    expect(bytes.every((byte, index) => byte === index % 251)).toBe(true)
  })

  test('are not used for a buffer smaller than one, and need an ArrayBuffer', () => {
    expect(memory.useHugePages(new ArrayBuffer(100))).toBe(false)
    expect(() => memory.useHugePages('memory' as never)).toThrow('expected an ArrayBuffer')
  })
})
