import { createGradientFormat, plainArithmetic } from '@lockstep/model/arithmetic'
import type { MapFile, MessageOf, Received, Sizes, Tensors } from '@lockstep/protocol'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openExchangeMemory } from '../src/exchange-memory.ts'
import { createTensorPlaces } from '../src/tensor-places.ts'
import { createSlotFiles } from './support/slot-files.ts'

const sizes: Sizes = { weights: 3, trainable: 3, moments: 1, bytesPerSample: 2, maxSamples: 4, gradientType: 'float32' }
const [runId, step] = ['r', 5]

/** Places with shared memory, and the coordinator's end of it. */
function create(mapFile: MapFile | null = null) {
  const files = createSlotFiles(4096)
  const memory = openExchangeMemory(files.offer, mapFile)!
  onTestFinished(memory.close)
  const format = createGradientFormat({ compress: 'none', seed: 1 }, plainArithmetic, sizes.weights)
  return { ...files, format, ...createTensorPlaces(sizes, memory, format) }
}

const work = (count: number, slot: number | null, tensors: Tensors = {}): Received => ({
  message: { type: 'work', runId, step, shard: 1, count, slot },
  tensors,
})
const update = (slot: number | null, tensors: Tensors = {}): Received => ({
  message: { type: 'update', runId, step, learningRate: 0.5, slot },
  tensors,
})
const gradientOf = (slot: number | null): MessageOf<'gradient'> => ({
  type: 'gradient',
  runId,
  step,
  shard: 1,
  count: 2,
  lossSum: 1,
  correct: 1,
  times: [0],
  slot,
})

describe('samples', () => {
  const [pixels, labels, keys] = [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(5, 6), Int32Array.of(-7, 8)]

  test('of a shard are read from its slot', () => {
    const { desk, samples } = create()
    desk.write(1, [pixels, labels, keys])
    expect(samples(work(2, 1))).toEqual({ pixels, labels, keys })
  })

  test('of a chunk have no keys', () => {
    const { desk, samples } = create()
    desk.write(0, [pixels, labels])
    const message = { type: 'evaluate', runId, step, chunk: 3, count: 2, slot: 0 } as const
    expect(samples({ message, tensors: {} })).toEqual({ pixels, labels })
  })

  test('are used in the memory of their slot where it is mapped', () => {
    const mapped = new Uint8Array(4096)
    const { samples } = create(() => ({ bytes: mapped, unmap: () => undefined }))
    // Labels and keys start at multiples of 8 bytes.
    mapped.set(pixels)
    mapped.set(labels, 8)
    mapped.set(new Uint8Array(keys.buffer), 16)
    const found = samples(work(2, 0))
    expect(found).toEqual({ pixels, labels, keys })
    for (const tensor of Object.values(found)) expect(tensor.buffer).toBe(mapped.buffer)
  })

  test('are those of the frame if they arrive in one, with shared memory or without', () => {
    const { samples, format } = create()
    const received = work(2, null, { pixels, labels, keys })
    expect(samples(received)).toBe(received.tensors)
    expect(createTensorPlaces(sizes, null, format).samples(received)).toBe(received.tensors)
  })

  test('are read into the same memory each time', () => {
    const { desk, samples } = create()
    desk.write(0, [pixels, labels, keys])
    const first = samples(work(2, 0))
    desk.write(1, [Uint8Array.of(9, 9), Uint8Array.of(1), Int32Array.of(2)])
    const second = samples(work(1, 1))
    expect(second).toEqual({ pixels: Uint8Array.of(9, 9), labels: Uint8Array.of(1), keys: Int32Array.of(2) })
    expect(second.pixels!.buffer).toBe(first.pixels!.buffer)
  })
})

describe('the mean gradient', () => {
  const mean = Float32Array.of(1, -0.5, 0.25)

  test('is read from the board or from the frame', () => {
    const { board, mean: readMean } = create()
    board.write(2, [mean])
    for (const received of [update(2), update(null, { gradient: mean.slice() })]) {
      const into = new Float32Array(3)
      expect(readMean(received, into)).toBe(into)
      expect(into).toEqual(mean)
    }
  })

  test('is used in the memory of the board where that is mapped', () => {
    const mapped = new Uint8Array(new Float32Array(1024).fill(0.5).buffer)
    const { mean: readMean } = create(() => ({ bytes: mapped, unmap: () => undefined }))
    const vector = new Float32Array(mapped.buffer, 2048, 3).fill(0)
    const found = readMean(update(2), vector)
    expect([...found]).toEqual([0.5, 0.5, 0.5])
    expect(found.buffer).toBe(mapped.buffer)
    expect([...vector]).toEqual([0, 0, 0])
  })
})

describe('a gradient', () => {
  const gradient = Float32Array.of(2, 4, -8)

  test('is written to the slot of its shard, and not to the message', () => {
    const { desk, place } = create()
    const message = gradientOf(3)
    expect(place({ message, tensors: { gradient } })).toEqual({ message, tensors: {} })
    const into = new Float32Array(3)
    desk.read(3, [into])
    expect(into).toEqual(gradient)
  })

  test('goes in the message if its shard came in one', () => {
    const { place } = create()
    const answer = { message: gradientOf(null), tensors: { gradient } }
    expect(place(answer)).toEqual(answer)
  })
})

test('the figures of an evaluation are passed on unchanged', () => {
  const { place } = create()
  const figures = { runId, step, chunk: 0, count: 1, lossSum: 1, correct: 1, weightsSha256: 'a'.repeat(64) }
  const answer = { message: { type: 'metrics', ...figures } as const, tensors: {} }
  expect(place(answer)).toEqual(answer)
})
