import { decodeMessage } from '@lockstep/protocol'
import { expect, test } from 'vitest'
import { createReplicaEncoder, welcomeTo } from '../../src/membership/welcome.ts'
import { tinyPlan } from '../support/tiny-plan.ts'
import { tinySizes } from '../support/tiny-sizes.ts'

test('the largest shard has no more samples than the training set', () => {
  const plan = tinyPlan()
  const config = { ...plan.config, batchSize: 1_000_000, shards: 1 }
  const maxSamplesOf = (count: number) =>
    welcomeTo({ ...plan, config, train: { ...plan.train, count } }).sizes.maxSamples
  expect(maxSamplesOf(600_000)).toBe(600_000)
  expect(maxSamplesOf(2_000_000)).toBe(1_000_000)
})

test('workers that join at the same step get the same bytes, and those at another step get others', () => {
  const plan = tinyPlan()
  const encode = createReplicaEncoder(plan)
  const [first, second] = [encode(), encode()]
  expect(second.frame.buffer).toBe(first.frame.buffer)
  plan.state.step += 1
  plan.state.weights[0] = 42
  const third = encode()
  expect(third.step).toBe(first.step + 1)
  const { message, tensors } = decodeMessage(third.frame, tinySizes)
  expect([message, tensors.weights]).toEqual([expect.objectContaining({ type: 'state', step: 1 }), plan.state.weights])
})
