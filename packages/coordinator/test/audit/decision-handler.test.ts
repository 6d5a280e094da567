import { expect, test } from 'vitest'
import { createDecisionHandler } from '../../src/audit/decision-handler.ts'
import type { VotedTask } from '../../src/audit/voting.ts'
import type { CoordinatorEvent } from '../../src/events.ts'
import { taskOf } from '../support/test-membership.ts'

const taskFor = (votesNeeded: 1 | 2): VotedTask => ({ ...taskOf(1), step: 6, votesNeeded })

test('only audited tasks are counted, and the first that could not be compared is reported', () => {
  const events: CoordinatorEvent[] = []
  const membership = () => {
    throw new Error('nobody is concerned')
  }
  const { onAccepted, counts } = createDecisionHandler(membership, event => events.push(event))
  onAccepted(taskFor(1), false)
  onAccepted(taskFor(1), true)
  expect([counts(), events]).toEqual([{ compared: 0, alone: 0 }, []])
  onAccepted(taskFor(2), false)
  onAccepted(taskFor(2), true)
  onAccepted(taskFor(2), true)
  expect(counts()).toEqual({ compared: 1, alone: 2 })
  expect(events).toEqual([{ type: 'unaudited', step: 7 }])
})
