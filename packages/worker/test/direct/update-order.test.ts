import type { Received } from '@lockstep/protocol'
import { expect, test } from 'vitest'
import { createUpdateOrder } from '../../src/direct/update-order.ts'

const update = (step: number): Received => ({
  message: { type: 'update', runId: 'r', step, learningRate: 1 } as Received['message'],
  tensors: {},
})

test('updates are passed on once and in order', () => {
  const given: number[] = []
  const order = createUpdateOrder(({ message }) => given.push('step' in message ? message.step : -1))
  order.reset(3)
  for (const step of [5, 2, 3, 3, 5, 4, 4, 6]) order.offer(step, update(step))
  expect(given).toEqual([3, 4, 5, 6])
  expect(order.reached()).toBe(7)
})

test('a replica that is reset to a later step gets the updates from there on', () => {
  const given: number[] = []
  const order = createUpdateOrder(({ message }) => given.push('step' in message ? message.step : -1))
  order.reset(0)
  for (const step of [1, 2, 4]) order.offer(step, update(step))
  expect(given).toEqual([])
  order.reset(2)
  expect(given).toEqual([2])
  expect(order.reached()).toBe(3)
})
