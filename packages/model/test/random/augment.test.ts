import { compileFunction } from '@lockstep/tensorflow'
import { useTensorFlow } from '@lockstep/tensorflow/testing'
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { augment } from '../../src/random/augment.ts'
import { sampleUniform } from '../../src/random/sample-uniform.ts'
import { tf } from '../../src/tfjs.ts'
import { hashEverywhere } from '../fixtures/backends.ts'
import { createRandom } from '../fixtures/random.ts'

beforeAll(useTensorFlow)

type Shape = readonly [number, number, number, number]

const keysOf = (count: number) => Int32Array.from({ length: count }, (_, index) => Math.imul(index + 1, 0x9e3779b1))

function noise(shape: Shape): Int32Array {
  const random = createRandom(3)
  return Int32Array.from({ length: tf.util.sizeFromShape([...shape]) }, () => 256 * random())
}

function augmented(pixels: ArrayLike<number>, shape: Shape, keys: Int32Array): Int32Array {
  return tf.tidy(() => {
    const images = tf.tensor4d(Int32Array.from(pixels), [...shape], 'int32')
    return augment(images, tf.tensor1d(keys, 'int32')).dataSync() as Int32Array
  })
}

/** The augmentation in the module's documentation, pixel by pixel. */
function reference(pixels: Int32Array, [count, height, width, channels]: Shape, keys: Int32Array): Int32Array {
  const draws = tf.tidy(() => sampleUniform(tf.tensor1d(keys, 'int32'), -1, [5]).dataSync())
  const result = new Int32Array(pixels.length)
  const [reachY, reachX] = [height >> 3, width >> 3]
  const [cutHeight, cutWidth] = [height >> 2, width >> 2]
  for (let sample = 0; sample < count; sample++) {
    const draw = (place: number, bound: number) => Math.floor(draws[5 * sample + place]! * bound)
    const [moveY, moveX] = [draw(0, 2 * reachY + 1) - reachY, draw(1, 2 * reachX + 1) - reachX]
    const [top, left] = [draw(3, height) - (cutHeight >> 1), draw(4, width) - (cutWidth >> 1)]
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const isCut = y >= top && y < top + cutHeight && x >= left && x < left + cutWidth
        const sourceY = reflected(y + moveY, height)
        const sourceX = reflected((draw(2, 2) === 1 ? width - 1 - x : x) + moveX, width)
        for (let channel = 0; channel < channels; channel++) {
          const source = ((sample * height + sourceY) * width + sourceX) * channels + channel
          result[((sample * height + y) * width + x) * channels + channel] = isCut ? 128 : pixels[source]!
        }
      }
    }
  }
  return result
}

function reflected(position: number, size: number): number {
  if (position < 0) return -position
  return position < size ? position : 2 * (size - 1) - position
}

test('augmented images equal those of the reference implementation at any size', () => {
  const side = fc.integer({ min: 1, max: 40 })
  const shapes = fc.tuple(fc.integer({ min: 1, max: 4 }), side, side, fc.integer({ min: 1, max: 4 }))
  fc.assert(
    fc.property(shapes, fc.integer(), (shape, key) => {
      const [pixels, keys] = [noise(shape), keysOf(shape[0]).map(word => word ^ key)]
      expect(augmented(pixels, shape, keys)).toEqual(reference(pixels, shape, keys))
    }),
    { numRuns: 40 },
  )
})

test.each(['int32', 'float32'] as const)(
  'augmented %s pixels are bit-identical on every backend and in a compiled graph',
  async dtype => {
    const shape: Shape = [6, 32, 32, 3]
    const pixels = noise(shape)
    const hashes = await hashEverywhere(keysOf(6), keys =>
      augment(tf.cast(tf.tensor4d(pixels, [...shape], 'int32'), dtype), keys),
    )
    expect(new Set(hashes).size).toBe(1)
  },
)

test('a compiled function augments bytes with the keys of each run', async () => {
  const shape: Shape = [3, 32, 32, 3]
  const { run, dispose } = await compileFunction({
    trace: ([pixels, keys]) => [augment(pixels!, keys as tf.Tensor1D)],
    inputs: [
      { name: 'pixels', shape, dtype: 'uint8' },
      { name: 'keys', shape: [3], dtype: 'int32' },
    ],
    precision: 'float32',
    identity: '',
    sources: [],
  })
  const pixels = noise(shape)
  for (const keys of [keysOf(3), Int32Array.of(-7, 0, 7)]) {
    expect(run([Uint8Array.from(pixels), keys])).toEqual([reference(pixels, shape, keys)])
  }
  dispose()
})

test('an augmented image depends only on its own key', () => {
  const [one, three]: [Shape, Shape] = [
    [1, 16, 16, 1],
    [3, 16, 16, 1],
  ]
  const image = noise(one)
  const alone = augmented(image, one, Int32Array.of(42))
  const beside = augmented([...image, ...image, ...image], three, Int32Array.of(1, 42, 2))
  expect(beside.subarray(256, 512)).toEqual(alone)
  expect(beside.subarray(0, 256)).not.toEqual(alone)
})

test('all shifts, both orientations and all positions of the square are equally likely', () => {
  const count = 8000
  const shape: Shape = [count, 8, 8, 1]
  // The value of a pixel is its original position: 10 · row + column.
  const image = Array.from({ length: 64 }, (_, index) => 10 * (index >> 3) + (index & 7))
  const values = augmented(Array(count).fill(image).flat(), shape, keysOf(count))
  const [moves, cuts] = [new Map<string, number>(), new Map<number, number>()]
  for (let sample = 0; sample < count; sample++) {
    const pixels = values.subarray(64 * sample, 64 * sample + 64)
    const first = pixels.indexOf(128)
    cuts.set(first, (cuts.get(first) ?? 0) + 1)
    // Two neighbours near the middle show shift and orientation, unless the square covers them.
    const probe = pixels.subarray(27, 29)
    if (!probe.includes(128)) moves.set(`${probe}`, (moves.get(`${probe}`) ?? 0) + 1)
  }
  // A square that starts at −1 or 0 is first seen at 0, so 2 of the 8 positions along an axis coincide at the border.
  expect(cuts.size).toBe(7 * 7)
  for (const [place, frequency] of cuts) {
    const chance = ((place >> 3 === 0 ? 2 : 1) * ((place & 7) === 0 ? 2 : 1)) / 64
    expect(Math.abs(frequency - count * chance)).toBeLessThan(5 * Math.sqrt(count * chance))
  }
  // 3 vertical shifts, 3 horizontal shifts and 2 orientations: 18 combinations, equally likely.
  const total = [...moves.values()].reduce((sum, frequency) => sum + frequency)
  expect(moves.size).toBe(18)
  for (const frequency of moves.values()) {
    expect(Math.abs(frequency - total / 18)).toBeLessThan(5 * Math.sqrt(total / 18))
  }
})

test('samples that are not images are rejected', () => {
  const act = () => augment(tf.zeros([2, 5]), tf.tensor1d([1, 2], 'int32'))
  expect(() => tf.tidy(act)).toThrow(expect.objectContaining({ code: 'augment-not-images' }))
})
