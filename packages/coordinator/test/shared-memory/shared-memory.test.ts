import { readdirSync, readlinkSync } from 'node:fs'
import { type MapFile, openSlotFile, type SharedMemoryOffer, type Sizes } from '@lockstep/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createSharedMemory } from '../../src/shared-memory/shared-memory.ts'
import { tinySizes } from '../support/tiny-sizes.ts'

/** Shared memory that is closed with the test, and a desk in it. */
function create(sizes: Sizes = tinySizes, mapFile: MapFile | null = null) {
  const memory = createSharedMemory(sizes, null, mapFile)!
  const desk = memory.openDesk()!
  onTestFinished(() => {
    desk.close()
    memory.close()
  })
  return { memory, desk }
}

/** Both files as a worker opens them. */
function openAsWorker({ desk, board, nonce }: SharedMemoryOffer) {
  const files = { desk: openSlotFile(desk, nonce, 'r+')!, board: openSlotFile(board, nonce, 'r')! }
  onTestFinished(() => {
    files.desk.close()
    files.board.close()
  })
  return files
}

/** Stands in for mmap(2): each mapping is memory of its own, as the file's other end does not matter here. */
function mapIntoBuffers() {
  const buffers: ArrayBuffer[] = []
  const mapFile: MapFile = (_descriptor, _position, byteLength) => {
    const buffer = new ArrayBuffer(byteLength)
    buffers.push(buffer)
    return { bytes: new Uint8Array(buffer), unmap: () => undefined }
  }
  return { buffers, mapFile }
}

const vector = (value: number) => new Float32Array(tinySizes.weights).fill(value)

/** Repeats `put` on a desk or board until there is no room, and returns how many succeeded. */
function countPuts(put: (index: number) => number | null): number {
  for (let index = 0; ; index++) if (put(index) === null) return index
}

describe('a desk', () => {
  test('passes samples to the worker, and the gradient back in the same slot', () => {
    const { desk } = create()
    const worker = openAsWorker(desk.offer)
    const [pixels, labels] = [new Uint8Array(3072).fill(5), Uint8Array.of(2)]
    const slot = desk.put('work:0:1', 0, () => [pixels, labels])!
    const arrived = [new Uint8Array(3072), new Uint8Array(1)] as const
    worker.desk.read(slot, arrived)
    expect(arrived).toEqual([pixels, labels])
    worker.desk.write(slot, [vector(0.5)])
    const gradient = vector(0)
    desk.read(desk.find('work:0:1')!, gradient)
    expect(gradient).toEqual(vector(0.5))
  })

  test('has room for the largest task or a gradient in each slot, and keeps the slots apart', () => {
    const { desk } = create()
    const { maxSamples, bytesPerSample } = tinySizes
    const largest = (value: number) => [
      new Uint8Array(maxSamples * bytesPerSample).fill(value),
      new Uint8Array(maxSamples).fill(value),
      new Int32Array(maxSamples).fill(value),
    ]
    const slots = [1, 2, 3].map(value => desk.put(`task ${value}`, 0, () => largest(value))!)
    for (const [index, slot] of slots.entries()) {
      const pixels = new Uint8Array(maxSamples * bytesPerSample)
      desk.read(slot, pixels)
      expect(pixels.every(byte => byte === index + 1)).toBe(true)
    }
    const large = create({ ...tinySizes, weights: 1 << 20, bytesPerSample: 1, maxSamples: 1 })
    expect(large.desk.put('task', 0, () => [new Float32Array(1 << 20)])).toBe(0)
  })

  test('runs out of slots, and frees those of tasks that are answered or belong to an earlier step', () => {
    const { desk } = create()
    const room = countPuts(index => desk.put(`a${index}`, index % 2, () => [Uint8Array.of(1)]))
    expect(room).toBe(64)
    expect(desk.find(`a${room}`)).toBeNull()
    desk.clear('a7')
    expect(desk.put('b', 1, () => [Uint8Array.of(1)])).toBe(7)
    desk.reach(1)
    // The 32 slots of step 0: a7 was of step 1, and so is b in its slot.
    expect(countPuts(index => desk.put(`c${index}`, 1, () => [Uint8Array.of(1)]))).toBe(32)
  })

  test('is separate from the desk of another worker', () => {
    const { memory, desk } = create()
    const other = memory.openDesk()!
    onTestFinished(other.close)
    desk.put('task', 0, () => [vector(1)])
    other.put('task', 0, () => [vector(2)])
    const gradient = vector(0)
    desk.read(0, gradient)
    expect(gradient).toEqual(vector(1))
    expect(other.offer.desk.path).not.toBe(desk.offer.desk.path)
    expect(other.offer.board).toEqual(desk.offer.board)
  })
})

describe('a desk in mapped memory', () => {
  test('gives the reader of a task the memory of its slot, and copies what the reader has not put there', () => {
    const mapped = mapIntoBuffers()
    const { desk } = create(tinySizes, mapped.mapFile)
    const own = Uint8Array.of(7, 8)
    const slot = desk.put('task', 0, memory => {
      memory!.set([1, 2, 3])
      return [memory!.subarray(0, 3), own]
    })!
    // The second tensor starts at a multiple of 8 bytes.
    expect([...desk.memoryOf(slot)!.subarray(0, 10)]).toEqual([1, 2, 3, 0, 0, 0, 0, 0, 7, 8])
    expect(desk.memoryOf(slot)!.buffer).toBe(mapped.buffers.at(-1))
  })

  test('has none to give where it is not mapped', () => {
    const { desk } = create()
    const given: (Uint8Array | null)[] = []
    const slot = desk.put('task', 0, memory => {
      given.push(memory)
      return [Uint8Array.of(1)]
    })!
    expect([...given, desk.memoryOf(slot)]).toEqual([null, null])
  })
})

describe('the board', () => {
  test('has reserved memory for the mean of a step, from which it is posted', () => {
    const mapped = mapIntoBuffers()
    const { memory } = create(tinySizes, mapped.mapFile)
    const reserved = memory.reserve(4, 0)!
    expect(memory.reserve(4, 0)).toBe(reserved)
    const mean = new Float32Array(reserved.buffer, reserved.byteOffset, tinySizes.weights).fill(5)
    const slot = memory.post(4, mean, 0)!
    expect(memory.reserve(5, 0)).not.toBe(reserved)
    // A mean from elsewhere is copied there.
    expect(memory.post(4, vector(6), 0)).toBe(slot)
    expect(mean).toEqual(vector(6))
    // A worker at step 5 has taken the update of step 4.
    expect(memory.reserve(6, 5)).toBe(reserved)
  })

  test('has no reserved memory where it is not mapped or has no room', () => {
    expect(create().memory.reserve(0, 0)).toBeNull()
    const { memory } = create(tinySizes, mapIntoBuffers().mapFile)
    expect(countPuts(step => memory.post(step, vector(step), 0))).toBe(64)
    expect(memory.reserve(64, 0)).toBeNull()
  })

  test('shows the mean of a step to every worker', () => {
    const { memory, desk } = create()
    const slot = memory.post(0, vector(3), 0)!
    for (const worker of [openAsWorker(desk.offer), openAsWorker(desk.offer)]) {
      const mean = vector(0)
      worker.board.read(slot, [mean])
      expect(mean).toEqual(vector(3))
    }
  })

  test('keeps the mean of a step until the slowest worker is past it', () => {
    const { memory, desk } = create()
    const { board } = openAsWorker(desk.offer)
    // While the slowest worker is at step 0, not every worker has taken the update of step 0.
    const posted = countPuts(step => memory.post(step, vector(step), 0))
    expect(posted).toBe(64)
    const mean = vector(-1)
    board.read(0, [mean])
    expect(mean).toEqual(vector(0))
    // A worker at step 2 has taken the updates of steps 0 and 1.
    expect(memory.post(100, vector(100), 2)).toBe(0)
    expect(memory.post(101, vector(101), 2)).toBe(1)
    expect(memory.post(102, vector(102), 2)).toBeNull()
    board.read(2, [mean])
    expect(mean).toEqual(vector(2))
  })

  test('reuses the same two slots while all workers keep up', () => {
    const { memory } = create()
    const slots = Array.from({ length: 200 }, (_, step) => memory.post(step, vector(step), Math.max(0, step - 1)))
    expect(new Set(slots)).toEqual(new Set([0, 1]))
  })
})

describe('shared memory', () => {
  test('halves the slots of the board for bfloat16 gradients', () => {
    const sizes = { ...tinySizes, weights: 1 << 16, bytesPerSample: 1, maxSamples: 1 }
    const compressed = create({ ...sizes, gradientType: 'bfloat16' })
    expect(create(sizes).desk.offer.board.slotBytes).toBe(4 << 16)
    expect(compressed.desk.offer.board.slotBytes).toBe(2 << 16)
  })

  test('has no file name while it is open, and leaves no descriptor open when it is closed', () => {
    const descriptors = () =>
      readdirSync('/proc/self/fd').flatMap(name => {
        try {
          return [readlinkSync(`/proc/self/fd/${name}`)].filter(target => target.startsWith('/dev/shm/lockstep-'))
        } catch {
          // The descriptor with which the folder itself was read.
          return []
        }
      })
    const before = descriptors()
    const memory = createSharedMemory(tinySizes)!
    const desk = memory.openDesk()!
    desk.put('task', 0, () => [vector(1)])
    const opened = descriptors()
    expect(opened).toHaveLength(before.length + 2)
    expect(opened.every(target => target.endsWith(' (deleted)'))).toBe(true)
    desk.close()
    memory.close()
    expect(descriptors()).toEqual(before)
  })
})
