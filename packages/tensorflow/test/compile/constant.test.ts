import { expect, test } from 'vitest'
import { constantKey, createConstant, expandConstant, uniformValue } from '../../src/compile/constant.ts'

test('equal values are stored once and expanded again', () => {
  const ones = createConstant('float32', [2, 3], [1, 1, 1, 1, 1, 1])
  expect(ones.values).toEqual(Float32Array.of(1))
  expect(uniformValue(ones)).toBe(1)
  expect(expandConstant(ones)).toEqual(Float32Array.of(1, 1, 1, 1, 1, 1))
})

test('different values are copied', () => {
  const given = Int32Array.of(1, 2, 3)
  const constant = createConstant('int32', [3], given)
  given[0] = 9
  expect(expandConstant(constant)).toEqual(Int32Array.of(1, 2, 3))
  expect(uniformValue(constant)).toBeUndefined()
})

test('an empty constant stays empty', () => {
  expect(expandConstant(createConstant('float32', [0, 4], []))).toEqual(new Float32Array(0))
})

test('0 and −0 are different values, because 1 / x differs', () => {
  expect(createConstant('float32', [2], [0, -0]).values).toHaveLength(2)
  expect(constantKey(createConstant('float32', [], [0]))).not.toBe(constantKey(createConstant('float32', [], [-0])))
})

test.each([
  ['shape', createConstant('float32', [2, 1], [1, 2])],
  ['type', createConstant('int32', [2], [1, 2])],
  ['values', createConstant('float32', [2], [1, 3])],
])('constants with different %s have different keys', (_, other) => {
  expect(constantKey(other)).not.toBe(constantKey(createConstant('float32', [2], [1, 2])))
})
