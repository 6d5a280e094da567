import { expect, onTestFinished, test } from 'vitest'
import type { Sizes } from '../../src/messages.ts'
import { samplesIn } from '../../src/shared-memory/samples-in.ts'
import { createSlotFile } from '../../src/shared-memory/slot-file.ts'

const sizes: Sizes = { weights: 3, trainable: 3, moments: 1, bytesPerSample: 5, maxSamples: 4, gradientType: 'float32' }

/** The memory of a slot in which these tensors were written. */
function memoryWith(tensors: readonly (Uint8Array | Int32Array)[]): Uint8Array {
  const file = createSlotFile('/dev/shm', 4096, '5'.repeat(32))
  onTestFinished(file.close)
  file.reserve(0)
  file.write(0, tensors)
  const memory = new Uint8Array(4096)
  file.read(0, [memory])
  return memory
}

test.each([1, 3, 4])('%d samples of a shard are found where they were written', count => {
  const pixels = Uint8Array.from({ length: count * 5 }, (_, i) => i + 1)
  const labels = Uint8Array.from({ length: count }, (_, i) => 100 + i)
  const keys = Int32Array.from({ length: count }, (_, i) => -1 - i)
  const memory = memoryWith([pixels, labels, keys])
  const samples = samplesIn(memory, { type: 'work', count }, sizes)
  expect(samples).toEqual({ pixels, labels, keys })
  for (const tensor of Object.values(samples)) expect(tensor.buffer).toBe(memory.buffer)
})

test('the samples of a chunk have no keys', () => {
  const [pixels, labels] = [Uint8Array.of(1, 2, 3, 4, 5), Uint8Array.of(6)]
  expect(samplesIn(memoryWith([pixels, labels]), { type: 'evaluate', count: 1 }, sizes)).toEqual({ pixels, labels })
})
