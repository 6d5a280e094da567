import type { DataSet } from '@lockstep/data'
import type { Provisioned } from '@lockstep/tensorflow'
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

test('compressed gradients give the same weights through shared memory and in frames', async () => {
  const run = (shareMemory: boolean, minWorkers: number) =>
    hashOfRun(dataSet, provisioned, { config: { compress: 'bfloat16' }, shareMemory, minWorkers })
  const hashes = [await run(true, 1), await run(false, 1), await run(true, 2), await run(false, 2)]
  expect(new Set(hashes).size).toBe(1)
})
