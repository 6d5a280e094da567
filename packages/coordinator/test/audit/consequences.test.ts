import { expect, test } from 'vitest'
import { createConsequences } from '../../src/audit/consequences.ts'
import type { HearableTask } from '../../src/audit/hearings.ts'
import type { CoordinatorEvent } from '../../src/events.ts'
import { taskOf } from '../support/lobby.ts'

const taskFor = (voices: 1 | 2): HearableTask => ({ ...taskOf(1), step: 6, voices })

test('only audited tasks are counted, and the first that could not be compared is reported', () => {
  const events: CoordinatorEvent[] = []
  const membership = () => {
    throw new Error('nobody is concerned')
  }
  const { onAccepted, counts } = createConsequences(membership, event => events.push(event))
  onAccepted(taskFor(1), false)
  onAccepted(taskFor(1), true)
  expect([counts(), events]).toEqual([{ compared: 0, alone: 0 }, []])
  onAccepted(taskFor(2), false)
  onAccepted(taskFor(2), true)
  onAccepted(taskFor(2), true)
  expect(counts()).toEqual({ compared: 1, alone: 2 })
  expect(events).toEqual([{ type: 'unaudited', step: 7 }])
})
