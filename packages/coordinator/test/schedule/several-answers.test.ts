import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSchedule } from '../../src/schedule/schedule.ts'
import type { Task } from '../../src/schedule/task.ts'
import { type AnswersCommand, createSeveralAnswersModel } from '../support/several-answers-model.ts'

const task = (step: number, index: number): Task => ({
  key: `${step}:${index}`,
  step,
  index,
  kind: 'gradient',
  samples: 1,
})

function createWith(...workers: readonly number[]) {
  const schedule = createSchedule<Task>(2)
  for (const worker of workers) schedule.join(worker, 0)
  const assigned = () => schedule.assign(0).map(({ workerId, task: { key } }) => `${workerId} ${key}`)
  return { ...schedule, assigned }
}

describe('a task that needs two answers', () => {
  test('goes to two workers', () => {
    const { add, assigned } = createWith(1, 2, 3)
    add(task(0, 0), 2)
    add(task(0, 1))
    expect(assigned()).toEqual(['1 0:0', '2 0:0', '3 0:1'])
  })

  test('waits for a second worker while other tasks are assigned', () => {
    const { add, assigned, join } = createWith(1)
    add(task(0, 0), 2)
    add(task(0, 1))
    expect(assigned()).toEqual(['1 0:0', '1 0:1'])
    join(2, 0)
    expect(assigned()).toEqual(['2 0:0'])
  })

  test('is not complete with one answer and does not go to the same worker again', () => {
    const { add, assigned, answer, find, leave, join, complete } = createWith(1, 2)
    add(task(0, 0), 2)
    assigned()
    answer(1, '0:0', 0)
    expect([find(1, '0:0'), find(2, '0:0')]).toEqual([null, task(0, 0)])
    leave(2)
    expect(assigned()).toEqual([])
    join(3, 0)
    expect(assigned()).toEqual(['3 0:0'])
    complete(3, '0:0', 0)
    join(4, 0)
    expect(assigned()).toEqual([])
  })

  test('goes to further workers, or to all of them again, on request', () => {
    const { add, assigned, answer, ask } = createWith(1, 2, 3)
    add(task(0, 0), 2)
    assigned()
    answer(1, '0:0', 0)
    answer(2, '0:0', 0)
    ask('0:0', 1, new Set([1, 2]))
    expect(assigned()).toEqual(['3 0:0'])
    answer(3, '0:0', 0)
    ask('0:0', 3, new Set())
    expect(assigned()).toEqual(['1 0:0', '2 0:0', '3 0:0'])
  })

  test('waits for a worker that is allowed to compute it, although another one is free', () => {
    const { add, assigned, answer, ask } = createWith(1, 2)
    for (let index = 0; index < 5; index++) add(task(0, index))
    assigned()
    answer(1, '0:0', 0)
    ask('0:0', 1, new Set([1]))
    // Worker 2 has a full window, and worker 1 is excluded. The next task is not held up.
    expect(assigned()).toEqual(['1 0:4'])
  })

  test('is neither held nor assigned once it is withdrawn', () => {
    const { add, assigned, withdraw, find } = createWith(1)
    add(task(0, 0), 2)
    assigned()
    expect(withdraw('0:0', 0)).toEqual(task(0, 0))
    expect([find(1, '0:0'), assigned()]).toEqual([null, []])
  })

  test('goes to one more worker when a holder is late, and not to two', () => {
    const { add, assign, answer, complete, speculate, join } = createWith(1, 2, 3, 4)
    // After a few steps with tasks of 10 ms, the pace of all four workers is known.
    let nowMs = 0
    for (let step = 0; step < 5; step++) {
      for (let index = 0; index < 4; index++) add(task(step, index))
      const given = assign(nowMs)
      nowMs += 10
      for (const {
        workerId,
        task: { key },
      } of given)
        complete(workerId, key, nowMs)
    }
    add(task(9, 0), 2)
    const [first, second] = assign(nowMs).map(({ workerId }) => workerId)
    const others = [1, 2, 3, 4].filter(id => id !== first && id !== second)
    nowMs += 100
    expect(speculate(nowMs).map(({ workerId }) => workerId)).toEqual([others[0]])
    expect(speculate(nowMs)).toEqual([])
    answer(first!, '9:0', nowMs)
    join(5, nowMs)
    expect(assign(nowMs)).toEqual([])
  })
})

test('a worker that still computes its copy of a completed task holds it again when the task is added again', () => {
  const { add, assigned, complete, leave, find, join } = createWith(1, 2)
  add(task(0, 0), 2)
  expect(assigned()).toEqual(['1 0:0', '2 0:0'])
  complete(1, '0:0', 0)
  expect(find(2, '0:0')).toBeNull()
  leave(1)
  add(task(0, 0))
  expect(assigned()).toEqual([])
  expect(find(2, '0:0')).toEqual(task(0, 0))
  complete(2, '0:0', 0)
  join(3, 0)
  expect(assigned()).toEqual([])
})

test('for any history, a task goes to each worker at most once and to no more workers than answers are wanted', () => {
  const command = fc.record({
    type: fc.constantFrom('add', 'join', 'leave', 'answer', 'answer', 'assign', 'assign', 'again'),
    nth: fc.nat(9),
    answers: fc.constantFrom(1, 2, 3),
  }) as fc.Arbitrary<AnswersCommand>
  fc.assert(
    fc.property(fc.array(command, { maxLength: 80, size: 'max' }), commands => {
      const model = createSeveralAnswersModel()
      for (const each of commands) model.run(each)
      model.finish()
    }),
    { numRuns: 300 },
  )
})
