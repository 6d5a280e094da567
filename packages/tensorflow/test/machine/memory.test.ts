import { totalmem } from 'node:os'
import { expect, onTestFinished, test, vi } from 'vitest'
import { readMemory } from '../../src/machine/memory.ts'

/** The memory that a process sees in a container with this limit. */
function memoryWithin(limitBytes: number) {
  const constrained = vi.spyOn(process, 'constrainedMemory').mockReturnValue(limitBytes)
  onTestFinished(() => constrained.mockRestore())
  return readMemory()
}

test('only the memory that the container may use counts', () => {
  expect(memoryWithin(1 << 20)).toEqual({ totalBytes: 1 << 20, freeBytes: 1 << 20 })
})

test.each([0, 2 ** 63])('a limit of %d bytes counts as none', limitBytes => {
  const { totalBytes, freeBytes } = memoryWithin(limitBytes)
  expect(totalBytes).toBe(totalmem())
  expect(freeBytes).toBeGreaterThan(0)
})
