import { describe, expect, test } from 'vitest'
import { createArithmetic, createGradientFormat, plainArithmetic } from '../../src/arithmetic/index.ts'
import { randomVector } from '../fixtures/random.ts'

const elements = 1000
const gradient = randomVector(elements, 3, [-1, 1])
const bfloat16 = (seed: number) => createGradientFormat({ compress: 'bfloat16', seed }, plainArithmetic, elements)

test('uncompressed gradients are sent and received without a copy', () => {
  const format = createGradientFormat({ compress: 'none', seed: 1 }, plainArithmetic, elements)
  const arrived = new Float32Array(elements)
  expect(format.type).toBe('float32')
  expect(format.pack(gradient, { step: 3, shard: 0 })).toBe(gradient)
  format.receive(packed => {
    expect(packed).toBe(arrived)
    packed.set(gradient)
  }, arrived)
  expect(arrived).toEqual(gradient)
  format.unpack(gradient, arrived.fill(0))
  expect(arrived).toEqual(gradient)
})

test('uncompressed gradients are left in the memory they are read from, unless it is another buffer', () => {
  const format = createGradientFormat({ compress: 'none', seed: 1 }, plainArithmetic, elements)
  const memory = new Uint8Array(8192)
  new Float32Array(memory.buffer).set(gradient)
  const beside = new Float32Array(memory.buffer, 4096, 100)
  expect(format.readFrom(memory, beside)).toEqual(gradient.subarray(0, 100))
  expect(beside).toEqual(new Float32Array(100))
  const elsewhere = new Float32Array(elements)
  expect(format.readFrom(memory, elsewhere)).toBe(elsewhere)
  expect(elsewhere).toEqual(gradient)
})

describe('compressed gradients', () => {
  test('take two bytes per element and are accurate to one part in 128', () => {
    const packed = bfloat16(1).pack(gradient, { step: 3, shard: 0 })
    const unpacked = new Float32Array(elements)
    bfloat16(1).unpack(packed, unpacked)
    expect(packed.byteLength).toBe(2 * elements)
    // Neighbouring bfloat16 values differ by at most 2⁻⁷ of the smaller one.
    for (const [i, value] of gradient.entries()) {
      expect(Math.abs(unpacked[i]! - value)).toBeLessThanOrEqual(Math.abs(value) * 2 ** -7)
    }
  })

  test('are the same after receive as after unpack', () => {
    const format = bfloat16(1)
    const packed = format.pack(gradient, { step: 3, shard: 0 }).slice()
    const [unpacked, received] = [new Float32Array(elements), new Float32Array(elements)]
    format.unpack(packed, unpacked)
    format.receive(target => target.set(packed), received)
    expect(received).toEqual(unpacked)
    const memory = new Uint8Array(packed.buffer)
    expect(format.readFrom(memory, received.fill(0))).toBe(received)
    expect(received).toEqual(unpacked)
  })

  test('are rounded as a function of seed, step and shard', () => {
    const first = bfloat16(1).pack(gradient, { step: 3, shard: 0 })
    expect(bfloat16(1).pack(gradient, { step: 3, shard: 0 })).toEqual(first)
    const others = [
      bfloat16(2).pack(gradient, { step: 3, shard: 0 }),
      bfloat16(1).pack(gradient, { step: 4, shard: 0 }),
      bfloat16(1).pack(gradient, { step: 3, shard: 1 }),
      bfloat16(1).pack(gradient, { step: 3, shard: 'mean' }),
    ]
    for (const other of others) expect(other).not.toEqual(first)
  })

  test('have the same bits in WebAssembly, for gradients inside and outside its memory', () => {
    const wasm = createArithmetic({ capacityBytes: 1 << 16, kind: 'wasm' })
    const format = createGradientFormat({ compress: 'bfloat16', seed: 1 }, wasm, elements)
    const expected = bfloat16(1).pack(gradient, { step: 3, shard: 2 })
    expect(format.pack(gradient, { step: 3, shard: 2 }).slice()).toEqual(expected)
    expect(format.pack(wasm.adopt(gradient), { step: 3, shard: 2 }).slice()).toEqual(expected)
  })

  test('have the same bits in slices as in a whole', () => {
    const slice = bfloat16(1).pack(gradient.subarray(200, 500), { step: 3, shard: 'mean' }, 200)
    expect(slice).toEqual(bfloat16(1).pack(gradient, { step: 3, shard: 'mean' }).subarray(200, 500))
  })
})
