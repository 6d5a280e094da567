import { describe, expect, test } from 'vitest'
import { createVoting, type VotedTask } from '../../src/audit/voting.ts'
import { voteFor } from '../support/fake-vote.ts'

const taskWith = (votesNeeded: 1 | 2, index = 3): VotedTask => ({
  key: `task ${index}`,
  step: 6,
  index,
  kind: 'gradient',
  samples: 5,
  votesNeeded,
})

/** A vote among these workers, with a log of what it causes. */
function open(votesNeeded: 1 | 2, ...workers: readonly number[]) {
  const happened: string[] = []
  const voting = createVoting<string, VotedTask>({
    ask: (_, answers, barred) => happened.push(`ask ${answers}, not ${[...barred].join()}`),
    settle: (_, result) => happened.push(`settled: ${result}`),
    fail: (_, error) => happened.push(`${error.code}: ${error.message}`),
    listener: {
      onUnsound: id => happened.push(`${id} unsound`),
      onRefuted: id => happened.push(`${id} refuted`),
      onWrong: (id, _, reason) => happened.push(`${id} wrong: ${reason}`),
      onAccepted: (_, isLone) => happened.push(`accepted${isLone ? ' alone' : ''}`),
      nameOf: id => `worker ${id}`,
    },
  })
  for (const worker of workers) voting.join(worker)
  const task = taskWith(votesNeeded)
  const cast = (worker: number, word: string, about = task) => {
    const vote = voteFor(word)
    voting.cast(about, worker, vote, `${word} of ${worker}`)
    return vote
  }
  /** What has happened since the last call. */
  const take = () => {
    voting.announce()
    return happened.splice(0)
  }
  return { voting, cast, take, task }
}

describe('a vote', () => {
  test('accepts the result on which two workers agree, and drops both votes', () => {
    const { cast, take } = open(2, 1, 2, 3)
    const votes = [cast(1, 'a'), cast(2, 'a')]
    expect(take()).toEqual(['ask 1, not 1', 'settled: a of 1', 'accepted'])
    expect(votes.map(vote => vote.fate())).toEqual(['accepted, dropped', 'dropped'])
  })

  test('reports the worker that two others contradict, once the task is settled', () => {
    const { voting, cast, take } = open(2, 1, 2, 3)
    for (const [worker, word] of [
      [2, 'b'],
      [1, 'a'],
      [3, 'a'],
    ] as const)
      cast(worker, word)
    expect(voting.isOpen('task 3')).toBe(false)
    expect(take()).toEqual([
      'ask 1, not 2',
      'ask 1, not 2,1',
      'settled: a of 1',
      'accepted',
      '2 wrong: its result for the gradient of shard 3 of step 7 differs from what two others computed',
    ])
  })

  test('reports a worker that contradicts itself, and accepts the result of the other', () => {
    const { cast, take } = open(2, 1, 2)
    cast(1, 'a')
    cast(2, 'b')
    cast(1, 'a')
    const changed = cast(2, 'c')
    expect(take()).toEqual([
      'ask 1, not 1',
      'ask 2, not ',
      'ask 1, not 1',
      'settled: a of 1',
      '2 wrong: it has computed the gradient of shard 3 of step 7 twice, with different results',
      'accepted alone',
    ])
    expect(changed.fate()).toBe('dropped')
  })

  test('fails with the names of two workers that contradict each other twice', () => {
    const { cast, take } = open(2, 1, 2)
    const votes = [cast(1, 'a'), cast(2, 'b'), cast(2, 'b'), cast(1, 'a')]
    expect(take().at(-1)).toBe(
      'workers-disagree: worker 2 and worker 1 get different results for the gradient of shard 3 of step 7, even when asked again',
    )
    for (const vote of votes) expect(vote.fate()).toBe('dropped')
  })

  test('refutes the one of two workers whose answer is not finite twice', () => {
    const { cast, take } = open(2, 1, 2)
    for (const _ of [1, 2]) {
      cast(1, 'NaN')
      cast(2, 'a')
    }
    expect(take().slice(-4)).toEqual(['1 unsound', '1 unsound', 'accepted alone', '1 refuted'])
  })

  test('fails if the results of two workers are not finite', () => {
    const { cast, take } = open(1, 1, 2)
    cast(1, 'NaN')
    cast(2, 'NaN')
    expect(take()).toEqual([
      'ask 1, not 1',
      'not-finite: the gradient of shard 3 of step 7 is not finite, computed by worker 1 and worker 2',
      '1 unsound',
      '2 unsound',
    ])
  })

  test('accepts the finite answer of another worker, and refutes the first', () => {
    const { cast, take } = open(1, 1, 2)
    cast(1, 'NaN')
    cast(2, 'a')
    expect(take()).toEqual(['ask 1, not 1', 'settled: a of 2', '1 unsound', 'accepted', '1 refuted'])
  })

  test('accepts the second answer of the only worker if that one is finite', () => {
    const { cast, take } = open(1, 1)
    cast(1, 'NaN')
    cast(1, 'a')
    expect(take()).toEqual(['ask 1, not ', 'settled: a of 1', '1 unsound', 'accepted'])
  })
})

describe('a worker that leaves', () => {
  test('has its vote voided, since it may rejoin under another id', () => {
    const { voting, cast, take } = open(2, 1, 2, 3)
    cast(1, 'a')
    voting.leave(1)
    expect(take()).toEqual(['ask 1, not 1', 'ask 2, not '])
    voting.join(4)
    cast(4, 'a')
    expect(take()).toEqual(['ask 1, not 4'])
  })

  test('lets the last worker decide alone if the two did not disagree', () => {
    const { voting, cast, take } = open(2, 1, 2)
    cast(1, 'a')
    voting.leave(2)
    expect(take()).toEqual(['ask 1, not 1', 'settled: a of 1', 'accepted alone'])
  })

  test('leaves behind a contradiction that only a third worker can resolve', () => {
    const { voting, cast, take } = open(2, 1, 2)
    cast(1, 'a')
    cast(2, 'b')
    voting.leave(2)
    expect(take().at(-1)).toBe('ask 1, not ')
    cast(1, 'a')
    expect(take()[0]).toMatch(/^workers-disagree: worker 1 and worker 2 get different results/)
    const other = open(2, 1, 2)
    other.cast(1, 'a')
    other.cast(2, 'b')
    other.voting.leave(2)
    other.voting.join(3)
    other.cast(3, 'a')
    expect(other.take()).toContain('settled: a of 1')
  })

  test('leaves no contradiction behind if its answer, or the one that it contradicted, was not finite', () => {
    const { voting, cast, take } = open(2, 1, 2)
    cast(1, 'a')
    cast(2, 'NaN')
    voting.leave(2)
    expect(take().slice(2, 4)).toEqual(['settled: a of 1', '2 unsound'])
    const other = open(2, 1, 2, 3)
    other.cast(3, 'NaN')
    other.cast(1, 'a')
    other.voting.leave(1)
    other.cast(2, 'a')
    other.cast(3, 'b')
    expect(other.take()).toContain('settled: a of 2')
  })

  test('leaves no contradiction behind if it was found wrong', () => {
    const { voting, cast, take } = open(2, 1, 2, 3)
    const [first, second] = [taskWith(2, 1), taskWith(2, 2)]
    cast(1, 'a', first)
    cast(2, 'b', first)
    cast(1, 'a', second)
    cast(2, 'b', second)
    cast(3, 'a', first)
    voting.leave(2)
    voting.leave(3)
    expect(take().filter(each => each.startsWith('settled'))).toEqual(['settled: a of 1', 'settled: a of 1'])
  })
})

test('a withdrawn task gets no further decision, and its vote is dropped', () => {
  const { voting, cast, take } = open(2, 1, 2)
  const vote = cast(1, 'a')
  voting.forget('task 3')
  voting.leave(2)
  expect([take(), vote.fate(), voting.isOpen('task 3')]).toEqual([['ask 1, not 1'], 'dropped', false])
})
