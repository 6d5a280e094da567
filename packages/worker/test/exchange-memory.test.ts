import { readdirSync } from 'node:fs'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openExchangeMemory } from '../src/exchange-memory.ts'
import { createSlotFiles } from './support/slot-files.ts'

/** The coordinator's files and the worker's end of them, which is closed at the end of the test. */
function open() {
  const files = createSlotFiles(4096)
  const memory = openExchangeMemory(files.offer)!
  onTestFinished(memory.close)
  return { ...files, memory }
}

const descriptors = () => readdirSync('/proc/self/fd').length

describe('shared memory', () => {
  test('gives samples in the order of their tensors', () => {
    const { desk, memory } = open()
    desk.write(2, [Uint8Array.of(1, 2, 3), Uint8Array.of(4), Int32Array.of(-5)])
    const samples = { pixels: new Uint8Array(3), labels: new Uint8Array(1), keys: new Int32Array(1) }
    memory.readSamples(2, samples)
    expect(samples).toEqual({ pixels: Uint8Array.of(1, 2, 3), labels: Uint8Array.of(4), keys: Int32Array.of(-5) })
  })

  test('writes gradients to the desk and reads means from the board', () => {
    const { desk, board, memory } = open()
    memory.writeGradient(1, Float32Array.of(0.5, -0.5))
    board.write(1, [Float32Array.of(8, 9)])
    const [gradient, mean] = [new Float32Array(2), new Float32Array(2)]
    desk.read(1, [gradient])
    memory.readMean(1, mean)
    expect([gradient, mean]).toEqual([Float32Array.of(0.5, -0.5), Float32Array.of(8, 9)])
  })

  test('is null if one of its files cannot be opened, and leaves no descriptor open', () => {
    const { offer } = createSlotFiles(4096)
    const before = descriptors()
    const gone = { path: '/proc/1/fd/987654', slotBytes: 4096 }
    expect(openExchangeMemory({ ...offer, desk: gone })).toBeNull()
    expect(openExchangeMemory({ ...offer, board: gone })).toBeNull()
    expect(openExchangeMemory({ ...offer, nonce: '6'.repeat(32) })).toBeNull()
    expect(descriptors()).toBe(before)
  })

  test('leaves no descriptor open when it is closed', () => {
    const { offer } = createSlotFiles(4096)
    const before = descriptors()
    const memory = openExchangeMemory(offer)
    expect(descriptors()).toBe(before + 2)
    memory?.close()
    expect(descriptors()).toBe(before)
  })
})
