import { expect, test } from 'vitest'
import { memoryOf } from '../src/compute-messages.ts'

test('the memory of tensors contains each buffer once', () => {
  const shared = new ArrayBuffer(16)
  const tensors = { pixels: new Uint8Array(shared, 0, 8), labels: new Uint8Array(shared, 8), own: new Float32Array(2) }
  expect(memoryOf(tensors)).toEqual([shared, tensors.own.buffer])
  expect(memoryOf({})).toEqual([])
})
