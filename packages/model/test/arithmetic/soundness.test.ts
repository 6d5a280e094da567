import { describe, expect, test } from 'vitest'
import {
  createArithmetic,
  createGradientFormat,
  createTreeReduction,
  isSoundLoss,
  plainArithmetic,
} from '../../src/arithmetic/index.ts'

const wasm = createArithmetic({ capacityBytes: 1 << 16, kind: 'wasm' })
const limit = 2 ** 127
const below = (2 - 2 ** -23) * 2 ** 126

describe.each([
  ['WebAssembly', wasm],
  ['plain JavaScript', plainArithmetic],
])('scaling in %s', (_, arithmetic) => {
  const room = arithmetic.allocate(40)
  const [sum, target] = [arithmetic.allocate(40), arithmetic.allocate(40)]
  /**
   * Scales a vector of ones with one other element, by factors that float32 can and cannot represent, and adds it to
   * another. All say the same.
   */
  function isSound(length: number, at: number, value: number): boolean {
    const answers = [1, 0.5, 1 / 3].flatMap(factor => {
      const vector = room.subarray(0, length).fill(1)
      vector[at] = value
      const isSum = arithmetic.addScaled(sum.subarray(0, length), vector, factor, target)
      return [isSum, arithmetic.scale(vector, factor)]
    })
    expect(new Set(answers).size).toBe(1)
    return answers[0]!
  }

  test('reports an element that is NaN, infinite or too large, at any index', () => {
    for (const length of [1, 3, 4, 7, 8, 9, 16, 21, 37]) {
      for (let at = 0; at < length; at++) {
        for (const value of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, limit, -limit])
          expect(isSound(length, at, value)).toBe(false)
        for (const value of [0, -0, 2 ** -149, below, -below]) expect(isSound(length, at, value)).toBe(true)
      }
    }
  })

  test('checks only its own elements', () => {
    room.fill(Number.NaN)
    expect(arithmetic.scale(room.subarray(4, 21).fill(2), 0.5)).toBe(true)
    expect(arithmetic.scale(room.subarray(0, 0), 0.5)).toBe(true)
  })

  test('detects NaNs with different bits', () => {
    const bits = new Int32Array(room.buffer, room.byteOffset, room.length)
    for (const nan of [0x7f800001, 0x7fffffff, 0x7fc00000, 0xff800001, 0xffffffff]) {
      const vector = room.subarray(0, 9).fill(1)
      bits[6] = nan
      expect(arithmetic.scale(vector, 0.5)).toBe(false)
    }
  })
})

test('a sum of losses is sound if their mean is below 2¹²⁷ in magnitude', () => {
  for (const loss of [0, -2, 3 * below, -3 * below]) expect(isSoundLoss(loss, 3)).toBe(true)
  for (const loss of [Number.NaN, Number.POSITIVE_INFINITY, 3 * limit, -3 * limit, 1e308])
    expect(isSoundLoss(loss, 3)).toBe(false)
})

describe('a shard that is not sound', () => {
  test('is rejected, and another one can take its place', () => {
    const reduction = createTreeReduction({ arithmetic: plainArithmetic, shards: 2, total: 4 })
    expect(reduction.add(1, Float32Array.of(2, 4), 2)).toBe(true)
    expect(reduction.add(0, Float32Array.of(1, Number.NaN), 2)).toBe(false)
    expect(reduction.isComplete()).toBe(false)
    expect(reduction.add(0, Float32Array.of(4, 8), 2)).toBe(true)
    expect([...reduction.result()]).toEqual([3, 6])
  })

  test('is rejected after others have been added, whose sum does not change', () => {
    const mean = Float32Array.of(0)
    const takeMeanVector = () => mean
    const reduction = createTreeReduction({ arithmetic: plainArithmetic, shards: 2, total: 4, takeMeanVector })
    const first = Float32Array.of(2)
    reduction.add(0, first, 2)
    expect(reduction.add(1, Float32Array.of(Number.NaN), 2)).toBe(false)
    // 2 · 2 / 4
    expect([...first]).toEqual([1])
    expect(reduction.add(1, Float32Array.of(6), 2)).toBe(true)
    expect([...reduction.result()]).toEqual([4])
  })

  test('is rejected even if it is the whole batch', () => {
    const reduction = createTreeReduction({ arithmetic: plainArithmetic, shards: 1, total: 4 })
    expect(reduction.add(0, Float32Array.of(Number.POSITIVE_INFINITY), 4)).toBe(false)
    expect(reduction.add(0, Float32Array.of(5), 4)).toBe(true)
    expect([...reduction.result()]).toEqual([5])
  })
})

test('the mean of sound shards is finite when rounded to bfloat16', () => {
  const shards = 1000
  const format = createGradientFormat({ compress: 'bfloat16', seed: 1 }, plainArithmetic, 2)
  const reduction = createTreeReduction({ arithmetic: plainArithmetic, shards, total: 7 * shards + 1 })
  for (let shard = 0; shard < shards; shard++) {
    expect(reduction.add(shard, Float32Array.of(below, -below), shard === 0 ? 8 : 7)).toBe(true)
  }
  const mean = reduction.result()
  format.unpack(format.pack(mean, { step: 0, shard: 'mean' }), mean)
  for (const value of mean) expect(Number.isFinite(value)).toBe(true)
})
