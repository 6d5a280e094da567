import { expect, test } from 'vitest'
import type { CoordinatorEvent } from '../src/events.ts'
import { limitRefusals } from '../src/refusal-limit.ts'

function createTested() {
  const clock = { nowMs: 0 }
  const told: CoordinatorEvent[] = []
  const listen = limitRefusals(
    event => told.push(event),
    () => clock.nowMs,
  )
  const refuse = (times: number) => {
    for (let time = 0; time < times; time++) listen({ type: 'refused', address: 'a', reason: 'wrong token' })
  }
  return { clock, told, listen, refuse }
}

test('twenty refusals a minute are reported, and then the number of the others', () => {
  const { clock, told, refuse } = createTested()
  refuse(1000)
  expect(told).toHaveLength(20)
  clock.nowMs = 59_999
  refuse(1)
  expect(told).toHaveLength(20)
  clock.nowMs = 60_000
  refuse(1)
  expect(told.slice(20)).toEqual([
    { type: 'refused', address: 'others', reason: '981 more in the minute before' },
    { type: 'refused', address: 'a', reason: 'wrong token' },
  ])
})

test('a single refusal above the limit is counted, too', () => {
  const { clock, told, refuse } = createTested()
  refuse(21)
  clock.nowMs = 60_000
  refuse(1)
  expect(told[20]).toEqual({ type: 'refused', address: 'others', reason: '1 more in the minute before' })
})

test('refusals within the limit are all reported', () => {
  const { clock, told, refuse } = createTested()
  for (; clock.nowMs < 600_000; clock.nowMs += 60_000) refuse(20)
  expect(told).toHaveLength(200)
})

test('other events are always reported', () => {
  const { told, listen, refuse } = createTested()
  refuse(100)
  for (let time = 0; time < 100; time++) listen({ type: 'phase', phase: 'training', active: 1 })
  expect(told).toHaveLength(120)
})
