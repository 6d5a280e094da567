import type { DataSet } from '@lockstep/data'
import type { SystemMemory } from '@lockstep/protocol'
import type { Provisioned } from '@lockstep/tensorflow'
import { loadSystemMemory } from '@lockstep/tensorflow/system-memory'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { cleanUp } from './support/clean-up.ts'
import { createFewShapes, startRun, startWorker } from './support/real-run.ts'
import { provisionForTests } from './support/tensorflow.ts'

let provisioned: Provisioned
let dataSet: DataSet

beforeAll(async () => {
  provisioned = await provisionForTests()
  dataSet = createFewShapes()
})
afterEach(cleanUp)

/** The weights of a run whose worker maps shared memory, and whose coordinator does if it can. */
async function hashOfRun(systemMemory: SystemMemory | null): Promise<string> {
  const { url, finished } = await startRun(dataSet, { systemMemory })
  startWorker(url, provisioned)
  const { weightsSha256 } = await finished
  await cleanUp()
  return weightsSha256
}

test('a coordinator that maps shared memory, one that cannot, and one that never does come to the same weights', async () => {
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
  const hashes = [await hashOfRun(watched), await hashOfRun(refused), await hashOfRun(null)]
  expect(new Set(hashes).size).toBe(1)
  // Each slot of the desk and of the board once.
  expect(mapped.length).toBeGreaterThanOrEqual(3)
  expect(mapped.length).toBeLessThan(10)
  expect(enlarged).toContain(dataSet.train.pixels.buffer)
})
