import { execFileSync } from 'node:child_process'
import { readdirSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createSlotFile, openSlotFile, slotBytesFor } from '../../src/shared-memory/slot-file.ts'

const folder = '/dev/shm'
const nonce = '0123456789abcdef'.repeat(2)
const otherNonce = 'f'.repeat(32)
const pageBytes = 4096

/** A slot file of this process, closed at the end of the test. */
function create(slotBytes = pageBytes, itsNonce = nonce) {
  const file = createSlotFile(folder, slotBytes, itsNonce)
  onTestFinished(file.close)
  return file
}

/** The same file, opened as another process does. */
function open({ offer }: ReturnType<typeof create>, mode: 'r' | 'r+' = 'r+') {
  const file = openSlotFile(offer, nonce, mode)!
  onTestFinished(file.close)
  return file
}

describe('tensors in a slot', () => {
  test('are read at the other end as they were written, whatever their types and sizes', () => {
    const own = create()
    const other = open(own)
    const pixels = Uint8Array.of(1, 2, 3, 4, 5)
    const keys = Int32Array.of(-1, 2 ** 31 - 1, 0)
    const gradient = Float32Array.of(-0, Number.NaN, 1e-45, Number.POSITIVE_INFINITY)
    own.write(3, [pixels, keys, gradient])
    const into = [new Uint8Array(5), new Int32Array(3), new Float32Array(4)] as const
    other.read(3, into)
    expect(into).toEqual([pixels, keys, gradient])
    expect(Object.is(into[2][0], -0)).toBe(true)
  })

  test('begin at multiples of 8 bytes', () => {
    const own = create()
    own.write(0, [new Uint8Array(16).fill(9)])
    own.write(0, [Uint8Array.of(1), Uint8Array.of(2, 3)])
    const bytes = new Uint8Array(16)
    open(own).read(0, [bytes])
    expect([...bytes]).toEqual([1, 9, 9, 9, 9, 9, 9, 9, 2, 3, 9, 9, 9, 9, 9, 9])
  })

  test('can be parts of larger vectors', () => {
    const own = create()
    const all = Float32Array.of(0, 1, 2, 3, 4)
    own.write(0, [all.subarray(1, 4)])
    open(own).read(0, [all.subarray(2)])
    expect([...all]).toEqual([0, 1, 1, 2, 3])
  })

  test('that are in the memory of the slot already are not copied', () => {
    const writes: number[] = []
    const memory = new Uint8Array(pageBytes)
    memory.set = (_, offset = 0) => void writes.push(offset)
    const own = createSlotFile(folder, pageBytes, nonce, () => ({ bytes: memory, unmap: () => undefined }))
    onTestFinished(own.close)
    own.write(0, [memory.subarray(0, 3), Uint8Array.of(1), memory.subarray(16, 20), memory.subarray(30, 31)])
    expect(writes).toEqual([8, 24])
  })

  test('do not change the neighbouring slots or the nonce', () => {
    const own = create()
    const fill = (value: number) => new Uint8Array(pageBytes).fill(value)
    for (const slot of [0, 1, 2]) own.write(slot, [fill(slot + 1)])
    own.write(1, [fill(8)])
    const other = open(own)
    for (const [slot, value] of [1, 8, 3].entries()) {
      const bytes = fill(0)
      other.read(slot, [bytes])
      expect(bytes).toEqual(fill(value))
    }
  })

  test('go both ways', () => {
    const own = create()
    open(own).write(1, [Float32Array.of(0.25)])
    const into = new Float32Array(1)
    own.read(1, [into])
    expect(into[0]).toBe(0.25)
  })

  test('that do not fit are an error', () => {
    const own = create()
    const half = new Uint8Array(pageBytes / 2)
    own.write(0, [half, half])
    // The second one begins at 8.
    expect(() => own.write(0, [new Uint8Array(1), new Uint8Array(pageBytes - 7)])).toThrow(RangeError)
    expect(() => own.read(0, [new Uint8Array(pageBytes + 1)])).toThrow('tensors of 4097 bytes in a slot of 4096')
  })

  test('that have not been written are an error', () => {
    const own = create()
    const read = () => own.read(0, [new Uint8Array(1)])
    expect(read).toThrow(expect.objectContaining({ code: 'shared-memory-short' }))
    own.reserve(0)
    expect(read).not.toThrow()
  })
})

test('a slot holds the tensors at multiples of 8 bytes, in whole pages', () => {
  expect(slotBytesFor([1])).toBe(pageBytes)
  expect(slotBytesFor([pageBytes])).toBe(pageBytes)
  expect(slotBytesFor([pageBytes, 1])).toBe(2 * pageBytes)
  // The second tensor begins at 8 and ends at 4088, where the third begins. With a byte more, the third begins at 4096.
  expect(slotBytesFor([1, pageBytes - 16, 1])).toBe(pageBytes)
  expect(slotBytesFor([1, pageBytes - 15, 1])).toBe(2 * pageBytes)
})

describe('a slot file', () => {
  test('is not opened after it has been closed or if its path does not exist', () => {
    const own = createSlotFile(folder, pageBytes, nonce)
    own.close()
    expect(openSlotFile(own.offer, nonce, 'r')).toBeNull()
    expect(openSlotFile({ ...own.offer, path: '/proc/1/fd/987654' }, nonce, 'r+')).toBeNull()
  })

  test('is not opened if another one has taken its place', () => {
    const replaced = createSlotFile(folder, pageBytes, nonce)
    replaced.close()
    const own = create(pageBytes, otherNonce)
    expect(openSlotFile({ ...own.offer }, nonce, 'r')).toBeNull()
    const opened = openSlotFile(own.offer, otherNonce, 'r')
    expect(opened).not.toBeNull()
    opened?.close()
  })

  test('leaves no descriptor open if its nonce is wrong', () => {
    const own = create(pageBytes, otherNonce)
    const before = readdirSync('/proc/self/fd').length
    expect(openSlotFile(own.offer, nonce, 'r')).toBeNull()
    expect(readdirSync('/proc/self/fd')).toHaveLength(before)
  })

  test('opened for reading cannot be written', () => {
    const own = create()
    own.write(0, [Uint8Array.of(1)])
    const reader = open(own, 'r')
    expect(() => reader.write(0, [Uint8Array.of(2)])).toThrow(expect.objectContaining({ code: 'EBADF' }))
  })

  test('has no name in the folder, and is in memory', () => {
    const own = create()
    own.reserve(0)
    const names = readdirSync(folder).filter(name => name.includes(nonce))
    expect(names).toEqual([])
    expect(readlinkSync(own.offer.path)).toMatch(/^\/dev\/shm\/lockstep-.* \(deleted\)$/)
  })

  test('is readable at the other end after its creator has closed it', () => {
    const own = createSlotFile(folder, pageBytes, nonce)
    own.write(0, [Uint8Array.of(7)])
    const other = open(own)
    own.close()
    const into = new Uint8Array(1)
    other.read(0, [into])
    expect(into[0]).toBe(7)
  })
})

test('a missing folder is an error of the file system', () => {
  expect(() => createSlotFile('/dev/shm/not-there', pageBytes, nonce)).toThrow(
    expect.objectContaining({ code: 'ENOENT' }),
  )
})

test('the temporary name of a file does not reveal its nonce', () => {
  expect(readlinkSync(create().offer.path)).not.toContain(nonce)
})

test('a pipe is not opened as a slot file, and leaves no descriptor open', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-pipe-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const path = join(folder, 'pipe')
  execFileSync('mkfifo', [path])
  const openFiles = () => readdirSync('/proc/self/fd').length
  const before = openFiles()
  expect(openSlotFile({ path, slotBytes: pageBytes }, nonce, 'r+')).toBeNull()
  expect(openFiles()).toBe(before)
})

describe('the memory of a slot', () => {
  test('is mapped at its first use, and unmapped when the file is closed', () => {
    const events: string[] = []
    const file = createSlotFile(folder, pageBytes, nonce, (_, position, byteLength) => {
      events.push(`map ${byteLength} at ${position}`)
      return { bytes: new Uint8Array(byteLength), unmap: () => void events.push(`unmap ${position}`) }
    })
    const memory = file.memoryOf(2)
    file.write(2, [Uint8Array.of(5)])
    expect(memory![0]).toBe(5)
    expect(file.memoryOf(2)).toBe(memory)
    file.memoryOf(0)
    file.close()
    // Slots follow the page with the nonce.
    const mapped = [`map ${pageBytes} at ${3 * pageBytes}`, `map ${pageBytes} at ${pageBytes}`]
    expect(events).toEqual([...mapped, `unmap ${3 * pageBytes}`, `unmap ${pageBytes}`])
  })

  test('is null if the file cannot be mapped', () => {
    expect(create().memoryOf(0)).toBeNull()
    const refused = createSlotFile(folder, pageBytes, nonce, () => {
      throw new Error('Cannot allocate memory')
    })
    onTestFinished(refused.close)
    expect(refused.memoryOf(0)).toBeNull()
  })
})
