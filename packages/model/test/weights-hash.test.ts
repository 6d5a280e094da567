import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { weightsSha256 } from '../src/weights-hash.ts'

test('the hash is over little-endian float32 bytes', () => {
  // 1 = 0x3f800000 and −2 = 0xc0000000 in IEEE 754.
  const bytes = Uint8Array.of(0x00, 0x00, 0x80, 0x3f, 0x00, 0x00, 0x00, 0xc0)
  expect(weightsSha256(Float32Array.of(1, -2))).toBe(createHash('sha256').update(bytes).digest('hex'))
})

test('only the elements of a view are hashed', () => {
  expect(weightsSha256(Float32Array.of(9, 1, -2, 9).subarray(1, 3))).toBe(weightsSha256(Float32Array.of(1, -2)))
})

test('weights that differ in the sign of a zero have different hashes', () => {
  expect(weightsSha256(Float32Array.of(0))).not.toBe(weightsSha256(Float32Array.of(-0)))
})
