import { describe, expect, test } from 'vitest'
import { createHearings, type HearableTask } from '../../src/audit/hearings.ts'
import { opinionOf } from '../support/fake-opinion.ts'

const taskWith = (voices: 1 | 2, index = 3): HearableTask => ({
  key: `task ${index}`,
  step: 6,
  index,
  kind: 'gradient',
  samples: 5,
  voices,
})

/** Hearings among these workers, with a log of what they cause. */
function open(voices: 1 | 2, ...workers: readonly number[]) {
  const happened: string[] = []
  const hearings = createHearings<string, HearableTask>({
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
  for (const worker of workers) hearings.join(worker)
  const task = taskWith(voices)
  const hear = (worker: number, word: string, about = task) => {
    const opinion = opinionOf(word)
    hearings.hear(about, worker, opinion, `${word} of ${worker}`)
    return opinion
  }
  /** What has happened since the last call. */
  const take = () => {
    hearings.announce()
    return happened.splice(0)
  }
  return { hearings, hear, take, task }
}

describe('a hearing', () => {
  test('accepts the result on which two workers agree, and drops both opinions', () => {
    const { hear, take } = open(2, 1, 2, 3)
    const opinions = [hear(1, 'a'), hear(2, 'a')]
    expect(take()).toEqual(['ask 1, not 1', 'settled: a of 1', 'accepted'])
    expect(opinions.map(opinion => opinion.fate())).toEqual(['accepted, dropped', 'dropped'])
  })

  test('reports the worker that two others contradict, once the task is settled', () => {
    const { hearings, hear, take } = open(2, 1, 2, 3)
    for (const [worker, word] of [
      [2, 'b'],
      [1, 'a'],
      [3, 'a'],
    ] as const)
      hear(worker, word)
    expect(hearings.isOpen('task 3')).toBe(false)
    expect(take()).toEqual([
      'ask 1, not 2',
      'ask 1, not 2,1',
      'settled: a of 1',
      'accepted',
      '2 wrong: its result for the gradient of shard 3 of step 7 differs from what two others computed',
    ])
  })

  test('reports a worker that contradicts itself, and accepts the result of the other', () => {
    const { hear, take } = open(2, 1, 2)
    hear(1, 'a')
    hear(2, 'b')
    hear(1, 'a')
    const changed = hear(2, 'c')
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
    const { hear, take } = open(2, 1, 2)
    const opinions = [hear(1, 'a'), hear(2, 'b'), hear(2, 'b'), hear(1, 'a')]
    expect(take().at(-1)).toBe(
      'workers-disagree: worker 2 and worker 1 get different results for the gradient of shard 3 of step 7, even when asked again',
    )
    for (const opinion of opinions) expect(opinion.fate()).toBe('dropped')
  })

  test('refutes the one of two workers whose answer is not finite twice', () => {
    const { hear, take } = open(2, 1, 2)
    for (const _ of [1, 2]) {
      hear(1, 'NaN')
      hear(2, 'a')
    }
    expect(take().slice(-4)).toEqual(['1 unsound', '1 unsound', 'accepted alone', '1 refuted'])
  })

  test('fails if the results of two workers are not finite', () => {
    const { hear, take } = open(1, 1, 2)
    hear(1, 'NaN')
    hear(2, 'NaN')
    expect(take()).toEqual([
      'ask 1, not 1',
      'not-finite: the gradient of shard 3 of step 7 is not finite, computed by worker 1 and worker 2',
      '1 unsound',
      '2 unsound',
    ])
  })

  test('accepts the finite answer of another worker, and refutes the first', () => {
    const { hear, take } = open(1, 1, 2)
    hear(1, 'NaN')
    hear(2, 'a')
    expect(take()).toEqual(['ask 1, not 1', 'settled: a of 2', '1 unsound', 'accepted', '1 refuted'])
  })

  test('accepts the second answer of the only worker if that one is finite', () => {
    const { hear, take } = open(1, 1)
    hear(1, 'NaN')
    hear(1, 'a')
    expect(take()).toEqual(['ask 1, not ', 'settled: a of 1', '1 unsound', 'accepted'])
  })
})

describe('a worker that leaves', () => {
  test('has its opinion voided, since it may rejoin under another id', () => {
    const { hearings, hear, take } = open(2, 1, 2, 3)
    hear(1, 'a')
    hearings.leave(1)
    expect(take()).toEqual(['ask 1, not 1', 'ask 2, not '])
    hearings.join(4)
    hear(4, 'a')
    expect(take()).toEqual(['ask 1, not 4'])
  })

  test('lets the last worker decide alone if the two did not disagree', () => {
    const { hearings, hear, take } = open(2, 1, 2)
    hear(1, 'a')
    hearings.leave(2)
    expect(take()).toEqual(['ask 1, not 1', 'settled: a of 1', 'accepted alone'])
  })

  test('leaves behind a contradiction that only a third worker can resolve', () => {
    const { hearings, hear, take } = open(2, 1, 2)
    hear(1, 'a')
    hear(2, 'b')
    hearings.leave(2)
    expect(take().at(-1)).toBe('ask 1, not ')
    hear(1, 'a')
    expect(take()[0]).toMatch(/^workers-disagree: worker 1 and worker 2 get different results/)
    const other = open(2, 1, 2)
    other.hear(1, 'a')
    other.hear(2, 'b')
    other.hearings.leave(2)
    other.hearings.join(3)
    other.hear(3, 'a')
    expect(other.take()).toContain('settled: a of 1')
  })

  test('leaves no contradiction behind if its answer, or the one that it contradicted, was not finite', () => {
    const { hearings, hear, take } = open(2, 1, 2)
    hear(1, 'a')
    hear(2, 'NaN')
    hearings.leave(2)
    expect(take().slice(2, 4)).toEqual(['settled: a of 1', '2 unsound'])
    const other = open(2, 1, 2, 3)
    other.hear(3, 'NaN')
    other.hear(1, 'a')
    other.hearings.leave(1)
    other.hear(2, 'a')
    other.hear(3, 'b')
    expect(other.take()).toContain('settled: a of 2')
  })

  test('leaves no contradiction behind if it was found wrong', () => {
    const { hearings, hear, take } = open(2, 1, 2, 3)
    const [first, second] = [taskWith(2, 1), taskWith(2, 2)]
    hear(1, 'a', first)
    hear(2, 'b', first)
    hear(1, 'a', second)
    hear(2, 'b', second)
    hear(3, 'a', first)
    hearings.leave(2)
    hearings.leave(3)
    expect(take().filter(each => each.startsWith('settled'))).toEqual(['settled: a of 1', 'settled: a of 1'])
  })
})

test('a withdrawn task gets no further ruling, and its opinion is dropped', () => {
  const { hearings, hear, take } = open(2, 1, 2)
  const opinion = hear(1, 'a')
  hearings.forget('task 3')
  hearings.leave(2)
  expect([take(), opinion.fate(), hearings.isOpen('task 3')]).toEqual([['ask 1, not 1'], 'dropped', false])
})
