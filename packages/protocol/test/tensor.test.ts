import { expect, test } from 'vitest'
import { bytesOf, tensorOver, tensorType } from '../src/tensor.ts'

test('float32 is sent as little-endian IEEE 754 bytes', () => {
  // 1.5 = 1.1₂ · 2⁰: sign 0, exponent 127, fraction 0x400000, together 0x3fc00000.
  expect([...bytesOf(Float32Array.of(1.5))]).toEqual([0x00, 0x00, 0xc0, 0x3f])
})

test('a view of a part of an array is sent as that part', () => {
  expect([...bytesOf(Uint8Array.of(1, 2, 3, 4).subarray(1, 3))]).toEqual([2, 3])
})

test('a float32 tensor is a view of aligned bytes and a copy of others', () => {
  const bytes = new Uint8Array(16)
  bytes.set(bytesOf(Float32Array.of(1.5)), 4)
  bytes.set(bytesOf(Float32Array.of(1.5)), 9)
  const [aligned, moved] = [tensorOver('float32', bytes, 4, 1), tensorOver('float32', bytes, 9, 1)]
  expect([...aligned, ...moved]).toEqual([1.5, 1.5])
  expect(aligned.buffer).toBe(bytes.buffer)
  expect(moved.buffer).not.toBe(bytes.buffer)
})

test('a bfloat16 tensor is a view of bytes at even addresses and a copy of others', () => {
  // The upper half of 1.5: sign 0, exponent 127, fraction 0x40.
  const bytes = Uint8Array.of(0xc0, 0x3f, 0xc0, 0x3f)
  const [aligned, moved] = [tensorOver('bfloat16', bytes, 2, 1), tensorOver('bfloat16', bytes.subarray(1), 1, 1)]
  expect([...aligned, ...moved]).toEqual([0x3fc0, 0x3fc0])
  expect(aligned.buffer).toBe(bytes.buffer)
  expect([...tensorOver('bfloat16', bytes, 1, 1)]).toEqual([0xc03f])
})

test('the type of a tensor follows from that of its array', () => {
  const arrays = [new Float32Array(1), new Uint16Array(1), new Int32Array(1), new Uint8Array(1)]
  expect(arrays.map(tensorType)).toEqual(['float32', 'bfloat16', 'int32', 'uint8'])
})
