import { expect, test } from 'vitest'
import type { DataSet, ImageSplit } from '../src/data-set.ts'
import { dataSetSha256, gather, roomFor, splitTrainValidation, takeFirst } from '../src/split.ts'

/** `count` images; every byte of an image is its index, and its label is ten times its index. */
function numberedSplit(count: number): ImageSplit {
  const pixels = new Uint8Array(count * 3072)
  for (let index = 0; index < count; index++) pixels.fill(index, index * 3072, (index + 1) * 3072)
  return { count, pixels, labels: Uint8Array.from({ length: count }, (_, index) => index * 10) }
}

test('takeFirst returns the first pixels and labels of a split', () => {
  const first = takeFirst(numberedSplit(5), 2)
  expect(first.count).toBe(2)
  expect(first.pixels).toEqual(numberedSplit(2).pixels)
  expect(Array.from(first.labels)).toEqual([0, 10])
  expect(takeFirst(numberedSplit(5), 5)).toEqual(numberedSplit(5))
})

test('takeFirst rejects a limit that is larger than the split, zero or not an integer', () => {
  expect(() => takeFirst(numberedSplit(5), 6)).toThrow(
    expect.objectContaining({ code: 'data-limit', kind: 'usage', expected: 'a limit from 1 to 5', received: '6' }),
  )
  for (const limit of [0, 2.5]) {
    expect(() => takeFirst(numberedSplit(5), limit)).toThrow(expect.objectContaining({ code: 'data-limit' }))
  }
})

test('the training set is split into training and validation samples where Keras splits it', () => {
  expect(splitTrainValidation(50_000, 0.2)).toEqual({ trainCount: 40_000, validationCount: 10_000 })
  // floor(7 · 0.7) = floor(4.9)
  expect(splitTrainValidation(7, 0.3)).toEqual({ trainCount: 4, validationCount: 3 })
  expect(splitTrainValidation(10, 0)).toEqual({ trainCount: 10, validationCount: 0 })
  // In doubles 1 − 0.9 is below 0.1: Keras trains on floor(9.999999999999998).
  expect(splitTrainValidation(100, 0.9)).toEqual({ trainCount: 9, validationCount: 91 })
})

test('a validation split that leaves nothing to train on is rejected', () => {
  expect(() => splitTrainValidation(3, 0.9)).toThrow(expect.objectContaining({ code: 'data-split', kind: 'usage' }))
})

test('gather copies samples in the order of the indices, with repetitions', () => {
  const { pixels, labels } = gather(numberedSplit(5), Uint32Array.of(3, 0, 3))
  expect(Array.from(labels)).toEqual([30, 0, 30])
  expect([0, 3071, 3072, 6143, 6144, 9215].map(byte => pixels[byte])).toEqual([3, 3, 0, 0, 3, 3])
})

test('gather throws a RangeError for a missing sample or too little room', () => {
  expect(() => gather(numberedSplit(5), Uint32Array.of(5))).toThrow(RangeError)
  expect(() => gather(numberedSplit(5), Uint32Array.of(0, 1), roomFor(1))).toThrow(RangeError)
})

test('gather can write into existing memory', () => {
  const room = roomFor(3)
  const gathered = gather(numberedSplit(5), Uint32Array.of(4, 2), room)
  expect(gathered).toEqual(gather(numberedSplit(5), Uint32Array.of(4, 2)))
  expect(gathered.pixels.buffer).toBe(room.pixels.buffer)
})

test('the fingerprint depends on name, pixels, labels and the boundary between the splits, not on the source', () => {
  const build = (train: ImageSplit, test: ImageSplit): DataSet => ({
    name: 'cifar10',
    imageShape: [32, 32, 3],
    classNames: [],
    train,
    test,
    source: 'here',
  })
  const original = dataSetSha256(build(numberedSplit(3), numberedSplit(2)))
  const pixelChanged = numberedSplit(2)
  pixelChanged.pixels[6143] = 255
  const labelChanged = numberedSplit(3)
  labelChanged.labels[0] = 1
  expect(original).toMatch(/^[0-9a-f]{64}$/)
  expect(dataSetSha256({ ...build(numberedSplit(3), numberedSplit(2)), source: 'elsewhere' })).toBe(original)
  const others = [
    build(numberedSplit(3), pixelChanged),
    build(labelChanged, numberedSplit(2)),
    build(numberedSplit(2), numberedSplit(3)),
    { ...build(numberedSplit(3), numberedSplit(2)), name: 'synthetic' as const },
  ]
  for (const other of others) expect(dataSetSha256(other)).not.toBe(original)
})
