import { useTensorFlow } from '@lockstep/tensorflow/testing'
import fc from 'fast-check'
import { beforeAll, test } from 'vitest'
import { expectRandomModel } from '../fixtures/check-random-model.ts'
import { randomBranches } from '../fixtures/random-model-spec.ts'

beforeAll(useTensorFlow)

test('the gradients of random models with branches are correct', { timeout: 3_600_000 }, async () => {
  const { numRuns = 250 } = fc.readConfigureGlobal()
  await fc.assert(fc.asyncProperty(randomBranches, expectRandomModel), { numRuns })
})
