import { describe, expect, test } from 'vitest'
import { type Arithmetic, createArithmetic, plainArithmetic } from '../../src/arithmetic/index.ts'
import { bitsOf, hardVector } from '../fixtures/floats.ts'

const wasm = createArithmetic({ capacityBytes: 1 << 22, kind: 'wasm' })
const room = 80
/** Where a vector starts, in elements after a 16-byte boundary. */
const offsets = [0, 1, 2, 3]
const lengths = Array.from({ length: 68 }, (_, length) => length)
const pools = Array.from({ length: 4 }, () => wasm.allocate(room))

type Vectors = readonly [Float32Array, Float32Array, Float32Array, Float32Array]
type Operation = (arithmetic: Arithmetic, vectors: Vectors) => void

/** Runs an operation in both arithmetics on hard vectors of all lengths and alignments, and compares the vectors. */
function expectSameBits(operation: Operation): void {
  for (const length of lengths) {
    for (const offset of offsets) {
      const plain = pools.map((_, which) => hardVector(length, 1000 * which + 7 * length + offset))
      // Each vector has a different alignment. The elements after it must not change.
      const fast = pools.map((pool, which) => {
        const start = (offset + which) % 4
        pool.fill(42)
        pool.set(plain[which]!, start)
        return pool.subarray(start, start + length)
      })
      operation(plainArithmetic, plain as unknown as Vectors)
      operation(wasm, fast as unknown as Vectors)
      expect(fast.map(bitsOf)).toEqual(plain.map(bitsOf))
      for (const { buffer, byteOffset, byteLength } of fast) {
        expect(new Float32Array(buffer, byteOffset + byteLength, 1)[0]).toBe(42)
      }
    }
  }
}

describe('WebAssembly gives the same bits as plain JavaScript for hard values, all lengths and all alignments', () => {
  const [third, half] = [1 / 3, 0.5]

  test.each([
    ['when scaling by a factor that float32 cannot represent', (a, [v]) => a.scale(v, third)],
    ['when scaling by a factor that float32 can represent', (a, [v]) => a.scale(v, half)],
    ['when scaling into the subnormals', (a, [v]) => a.scale(v, 2 ** -140)],
    ['when adding', (a, [sum, addend]) => a.addInto(sum, addend)],
    ['when adding a vector to itself', (a, [sum]) => a.addInto(sum, sum)],
    ['when scaling into another vector', (a, [v, target]) => a.scale(v, third, target)],
    ['when adding into another vector', (a, [sum, addend, target]) => a.addInto(sum, addend, target)],
    ['when adding a multiple that float32 cannot represent', (a, [sum, v, to]) => a.addScaled(sum, v, third, to)],
    ['when adding a multiple that float32 can represent', (a, [sum, v, to]) => a.addScaled(sum, v, half, to)],
    ['when adding a multiple into the vector itself', (a, [sum, v]) => a.addScaled(sum, v, third, v)],
    ['when rounding to bfloat16 and expanding', (a, [source, target]) => roundTrip(a, source, target)],
  ] satisfies [string, Operation][])('%s', (_, operation) => expectSameBits(operation))

  test.each([1, 1 - 1e-3 * 0.05])('in Adam with a decay that keeps %d of a weight', keep => {
    const factors = { alpha: 3.162e-4, epsilon: 1e-7, gain1: 1 - 0.9, gain2: 1 - 0.999 }
    expectSameBits((a, [w, g, m, v]) => a.adam(w, g, m, v, factors, { start: 0, end: w.length, keep }))
  })

  test('in Adam with moments on both sides of the smallest one', () => {
    const factors = { alpha: 3.162e-4, epsilon: 1e-7, gain1: 1 - 0.9, gain2: 1 - 0.999 }
    const powers = Array.from({ length: 8 }, (_, i) => 2 ** (i - 103))
    expectSameBits((a, [w, g, m, v]) => {
      g.fill(0)
      for (const moment of [m, v])
        for (let i = 0; i < moment.length; i++) moment[i] = powers[i % 8]! * (i % 3 === 0 ? -1 : 1)
      v.forEach((value, i) => {
        v[i] = Math.abs(value)
      })
      a.adam(w, g, m, v, factors, { start: 0, end: w.length, keep: 1 })
      if (m.length > 8) expect(m.filter(value => value === 0).length).toBeGreaterThan(0)
    })
  })

  test('in Adam with moments equal to the smallest one, which are kept', () => {
    const factors = { alpha: 3.162e-4, epsilon: 1e-7, gain1: 1 - 0.9, gain2: 1 - 0.999 }
    const smallest = 2 ** -100
    // The checked moment does not change: g equals m in the first case, g² equals v in the second.
    for (const [gradient, looked] of [
      [smallest, 2],
      [2 ** -50, 3],
    ] as const) {
      expectSameBits((a, [w, g, m, v]) => {
        g.fill(gradient)
        for (const moment of [m, v]) moment.fill(smallest)
        a.adam(w, g, m, v, factors, { start: 0, end: w.length, keep: 1 })
        expect([w, g, m, v][looked]).toEqual(new Float32Array(w.length).fill(smallest))
      })
    }
  })

  test('in Adam and SGD on a part of the vectors', () => {
    const factors = { alpha: 3.162e-4, epsilon: 1e-7, gain1: 1 - 0.9, gain2: 1 - 0.999 }
    const descent = { learningRate: 0.01, momentum: 0.9 }
    expectSameBits((a, [w, g, m, v]) => {
      const stretch = { start: w.length >> 2, end: w.length - (w.length >> 3), keep: 0.75 }
      a.adam(w, g, m, v, factors, stretch)
      a.sgd(w, g, m, descent, stretch)
      a.sgd(w, g, null, descent, stretch)
    })
  })

  test.each([1, 1 - 1e-3 * 0.05])('in SGD with a decay that keeps %d of a weight', keep => {
    const factors = { learningRate: 0.1, momentum: 0.9 }
    expectSameBits((a, [w, g]) => a.sgd(w, g, null, factors, { start: 0, end: w.length, keep }))
    expectSameBits((a, [w, g, m]) => a.sgd(w, g, m, factors, { start: 0, end: w.length, keep }))
  })
})

/** Rounds into the arithmetic's own memory, and again into a vector outside it. */
function roundTrip(arithmetic: Arithmetic, source: Float32Array, target: Float32Array): void {
  const halves = bfloat16Pool.of(arithmetic).subarray(1, 1 + source.length)
  arithmetic.roundToBfloat16(source, halves, 0x1234567, 99)
  const elsewhere = new Uint16Array(source.length)
  arithmetic.roundToBfloat16(source, elsewhere, 0x1234567, 99)
  expect(elsewhere).toEqual(halves.slice())
  arithmetic.expandBfloat16(halves, target)
}

const bfloat16Pool = {
  wasm: wasm.allocateBfloat16(room),
  plain: plainArithmetic.allocateBfloat16(room),
  of: ({ name }: Arithmetic) => bfloat16Pool[name],
}

test('WebAssembly accepts vectors outside its memory, also together with vectors inside', () => {
  const [inside, outside] = [wasm.adopt(Float32Array.of(1, 2, 3)), Float32Array.of(10, 20, 30)]
  wasm.addInto(inside, outside)
  wasm.addInto(outside, inside)
  wasm.scale(outside, 2)
  expect([...inside]).toEqual([11, 22, 33])
  expect([...outside]).toEqual([42, 84, 126])
  const target = wasm.allocate(3)
  wasm.scale(outside, 0.5, target)
  expect([...target]).toEqual([21, 42, 63])
  wasm.addScaled(inside, outside, 2, target)
  expect([...target]).toEqual([95, 190, 285])
  wasm.addScaled(target, inside, 2, outside)
  expect([...outside]).toEqual([117, 234, 351])
})

test('WebAssembly rejects vectors that are too short, because the next vector follows them', () => {
  const [long, short] = [wasm.allocate(5), wasm.allocate(4)]
  expect(() => wasm.addInto(long, short)).toThrow(RangeError)
  expect(() => wasm.addInto(long, long, short)).toThrow(RangeError)
  expect(() => wasm.scale(long, 2, short)).toThrow(RangeError)
  expect(() => wasm.addScaled(long, short, 2, long)).toThrow(RangeError)
  expect(() => wasm.addScaled(long, long, 2, short)).toThrow(RangeError)
  expect(() => wasm.roundToBfloat16(long, wasm.allocateBfloat16(4), 0)).toThrow(RangeError)
  expect(() => wasm.expandBfloat16(wasm.allocateBfloat16(5), short)).toThrow(RangeError)
  const [factors, stretch] = [
    { learningRate: 1, momentum: 0 },
    { start: 0, end: 5, keep: 1 },
  ]
  expect(() => wasm.sgd(long, short, null, factors, stretch)).toThrow(RangeError)
  expect(() => wasm.sgd(long, long, short, factors, stretch)).toThrow(RangeError)
  const adamFactors = { alpha: 1, epsilon: 1, gain1: 1, gain2: 1 }
  for (let place = 0; place < 4; place++) {
    const vectors = pools.map((_, which) => (which === place ? short : long)) as unknown as Vectors
    expect(() => wasm.adam(...vectors, adamFactors, stretch)).toThrow(RangeError)
  }
})
