import { expect, test } from 'vitest'
import { createGradientFormat, type PackedGradient, plainArithmetic } from '../../src/arithmetic/index.ts'
import { randomVector } from '../fixtures/random.ts'

const gradient = randomVector(1000, 3, [-1, 1])
const bfloat16 = (seed: number) => createGradientFormat({ compress: 'bfloat16', seed }, plainArithmetic)

function packed(format: ReturnType<typeof bfloat16>, step: number, shard: number | 'mean'): PackedGradient {
  const target = format.allocate(gradient.length)
  format.pack(gradient, target, { step, shard })
  return target
}

test('uncompressed gradients travel as they are', () => {
  const format = createGradientFormat({ compress: 'none', seed: 1 }, plainArithmetic)
  const unpacked = new Float32Array(gradient.length)
  format.unpack(packed(format, 3, 0), unpacked)
  expect(format.type).toBe('float32')
  expect(unpacked).toEqual(gradient)
})

test('compressed gradients take two bytes an element and are right to one part in 128', () => {
  const unpacked = new Float32Array(gradient.length)
  bfloat16(1).unpack(packed(bfloat16(1), 3, 0), unpacked)
  expect(packed(bfloat16(1), 3, 0).byteLength).toBe(2 * gradient.length)
  // Neighbours among bfloat16 values are at most 2⁻⁷ of the smaller one apart.
  for (const [i, value] of gradient.entries()) {
    expect(Math.abs(unpacked[i]! - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -7)
  }
})

test('how a gradient is rounded depends on seed, step and shard alone', () => {
  const first = packed(bfloat16(1), 3, 0)
  expect(packed(bfloat16(1), 3, 0)).toEqual(first)
  const others = [packed(bfloat16(2), 3, 0), packed(bfloat16(1), 4, 0), packed(bfloat16(1), 3, 1)]
  for (const other of [...others, packed(bfloat16(1), 3, 'mean')]) expect(other).not.toEqual(first)
})

test('a slice travels as the slice of the whole', () => {
  const format = bfloat16(1)
  const slice = format.allocate(300)
  format.pack(gradient.subarray(200, 500), slice, { step: 3, shard: 'mean' }, 200)
  expect(slice).toEqual(packed(format, 3, 'mean').slice(200, 500))
})
