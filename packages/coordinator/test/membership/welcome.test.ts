import { decodeMessage } from '@lockstep/protocol'
import { expect, test } from 'vitest'
import { createReplicaEncoder } from '../../src/membership/welcome.ts'
import { tinySizes } from '../support/decode.ts'
import { tinyPlan } from '../support/tiny-plan.ts'

test('workers that come at the same step are sent the same bytes, those of another step others', () => {
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
