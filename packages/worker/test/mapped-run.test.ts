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
  const unmapped: number[] = []
  const enlarged: ArrayBufferLike[] = []
  const watched: SystemMemory = {
    ...real,
    mapFileOver: (descriptor, position, pages) => {
      mapped.push(pages.byteOffset)
      real.mapFileOver(descriptor, position, pages)
    },
    unmapFile: pages => {
      unmapped.push(pages.byteOffset)
      real.unmapFile(pages)
    },
    useHugePages: buffer => {
      enlarged.push(buffer)
      return real.useHugePages(buffer)
    },
  }
  const refuse = () => {
    throw new Error('Cannot allocate memory')
  }
  const refused: SystemMemory = {
    mapFile: refuse,
    mapFileOver: refuse,
    unmapFile: refuse,
    useHugePages: () => false,
  }
  // The worker maps its memory in each run.
  const run = (systemMemory: SystemMemory | null) => hashOfRun(dataSet, provisioned, { systemMemory, minWorkers: 1 })
  const hashes = [await run(watched), await run(refused), await run(null)]
  expect(new Set(hashes).size).toBe(1)
  // Each slot of the desk and of the board once.
  expect(mapped.length).toBeGreaterThanOrEqual(3)
  expect(mapped.length).toBeLessThan(10)
  expect(unmapped.toSorted()).toEqual(mapped.toSorted())
  expect(enlarged).toContain(dataSet.train.pixels.buffer)
})
