import type { DataSet } from '@lockstep/data'
import type { SystemMemory } from '@lockstep/protocol'
import type { Provisioned } from '@lockstep/tensorflow'
import { loadSystemMemory } from '@lockstep/tensorflow/system-memory'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { cleanUp } from './support/clean-up.ts'
import { createFewShapes, hashOfRun } from './support/real-run.ts'
import { provisionForTests } from './support/tensorflow.ts'

let provisioned: Provisioned
let dataSet: DataSet

beforeAll(async () => {
  provisioned = await provisionForTests()
  dataSet = createFewShapes()
})
afterEach(cleanUp)

test('coordinators that map shared memory, fail to map it or never try train the same weights', async () => {
  const real = loadSystemMemory(provisioned)!
  const mapped: number[] = []
  const enlarged: ArrayBufferLike[] = []
  const watched: SystemMemory = {
    mapFile: (descriptor, position, byteLength) => {
      mapped.push(position)
      return real.mapFile(descriptor, position, byteLength)
    },
    useHugePages: buffer => {
      enlarged.push(buffer)
      return real.useHugePages(buffer)
    },
  }
  const refused: SystemMemory = {
    mapFile: () => {
      throw new Error('Cannot allocate memory')
    },
    useHugePages: () => false,
  }
  // The worker maps its memory in each run.
  const run = (systemMemory: SystemMemory | null) => hashOfRun(dataSet, provisioned, { systemMemory, minWorkers: 1 })
  const hashes = [await run(watched), await run(refused), await run(null)]
  expect(new Set(hashes).size).toBe(1)
  // Each slot of the desk and of the board once.
  expect(mapped.length).toBeGreaterThanOrEqual(3)
  expect(mapped.length).toBeLessThan(10)
  expect(enlarged).toContain(dataSet.train.pixels.buffer)
})
