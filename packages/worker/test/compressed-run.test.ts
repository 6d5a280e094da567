import type { DataSet } from '@lockstep/data'
import type { Provisioned } from '@lockstep/tensorflow'
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

async function hashOfRun(shareMemory: boolean, minWorkers: number): Promise<string> {
  const { url, finished } = await startRun(dataSet, { config: { compress: 'bfloat16' }, shareMemory, minWorkers })
  for (let worker = 0; worker < minWorkers; worker++) startWorker(url, provisioned)
  const { weightsSha256 } = await finished
  await cleanUp()
  return weightsSha256
}

test('compressed gradients give the same weights through shared memory and in frames', async () => {
  const hashes = [
    await hashOfRun(true, 1),
    await hashOfRun(false, 1),
    await hashOfRun(true, 2),
    await hashOfRun(false, 2),
  ]
  expect(new Set(hashes).size).toBe(1)
})
