import { expect, test } from 'vitest'
import { createCredits } from '../../src/direct/credits.ts'
import type { Group } from '../../src/direct/groups.ts'
import type { SendableTask } from '../../src/exchange.ts'
import type { Answer } from '../../src/membership/answer.ts'

const group = { members: [1, 2, 3] } as unknown as Group
const task = { key: 'work:0:0', samples: 5 } as SendableTask<Answer>

/** The credits of one shard of 5 samples, which is sent to these workers one after the other. */
function sentTo(...workers: readonly number[]) {
  const credits = createCredits(group, [task])
  for (const worker of workers) credits.tasks[0]!.onSent!(worker)
  return credits
}

test('an unreported shard is credited to the lost member to which it was sent last', () => {
  const reached = new Map([[3, 1]])
  expect(sentTo(1, 2, 3).withLost(reached)).toEqual([{ workerId: 2, samples: 5 }])
  expect(sentTo(2, 1, 3).withLost(reached)).toEqual([{ workerId: 1, samples: 5 }])
})

test('an unreported shard is credited neither to a remaining member nor to a worker outside the group', () => {
  const reached = new Map([[3, 1]])
  expect(sentTo(3).withLost(reached)).toEqual([])
  expect(sentTo(1, 4).withLost(reached)).toEqual([{ workerId: 1, samples: 5 }])
  expect(sentTo(4).withLost(reached)).toEqual([])
})
