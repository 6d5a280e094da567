import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSchedule } from '../../src/schedule/schedule.ts'
import type { Task } from '../../src/schedule/task.ts'
import { createScheduleModel } from '../support/schedule-model.ts'

const task = (step: number, index: number): Task => ({
  key: `${step}:${index}`,
  step,
  index,
  kind: 'gradient',
  samples: 1,
})
const tasks = (step: number, count: number) => Array.from({ length: count }, (_, index) => task(step, index))

function createFilled(window: number, workers: readonly number[], all: readonly Task[]) {
  const schedule = createSchedule<Task>(window)
  for (const worker of workers) schedule.join(worker, 0)
  for (const each of all) schedule.add(each)
  return schedule
}

const assigned = (schedule: ReturnType<typeof createFilled>) =>
  schedule.assign(0).map(({ workerId, task: { key } }) => `${workerId} ${key}`)

describe('assigning', () => {
  test('spreads the tasks of a step evenly, in their order', () => {
    const schedule = createFilled(2, [1, 2], tasks(0, 4))
    expect(assigned(schedule)).toEqual(['1 0:0', '2 0:1', '1 0:2', '2 0:3'])
  })

  test('gives a worker no more tasks than its window', () => {
    const schedule = createFilled(2, [1], tasks(0, 5))
    expect(assigned(schedule)).toEqual(['1 0:0', '1 0:1'])
    expect(assigned(schedule)).toEqual([])
  })

  test('gives a new task for each completed one', () => {
    const schedule = createFilled(2, [1], tasks(0, 5))
    schedule.assign(0)
    schedule.complete(1, '0:0', 0)
    expect(assigned(schedule)).toEqual(['1 0:2'])
  })

  test('gives more tasks to the worker that completes more', () => {
    const schedule = createFilled(1, [1, 2], tasks(0, 4))
    expect(assigned(schedule)).toEqual(['1 0:0', '2 0:1'])
    schedule.complete(2, '0:1', 0)
    expect(assigned(schedule)).toEqual(['2 0:2'])
    schedule.complete(2, '0:2', 0)
    expect(assigned(schedule)).toEqual(['2 0:3'])
  })

  test('takes earlier steps first, whatever the order in which they were added', () => {
    const schedule = createFilled(3, [1], [task(2, 0), task(1, 1), task(1, 0)])
    expect(assigned(schedule)).toEqual(['1 1:0', '1 1:1', '1 2:0'])
  })

  test('does nothing without workers', () => {
    const schedule = createFilled(2, [], tasks(0, 2))
    expect(schedule.assign(0)).toEqual([])
    schedule.join(1, 0)
    expect(assigned(schedule)).toEqual(['1 0:0', '1 0:1'])
  })
})

describe('a worker that leaves', () => {
  test('returns its tasks to the other workers', () => {
    const schedule = createFilled(2, [1, 2], tasks(0, 2))
    schedule.assign(0)
    schedule.leave(1)
    expect(assigned(schedule)).toEqual(['2 0:0'])
    expect(schedule.find(1, '0:0')).toBeNull()
    expect(schedule.find(2, '0:0')).toEqual(task(0, 0))
  })

  test('returns them also to workers whose window is full of tasks of the next step', () => {
    const schedule = createFilled(2, [1, 2, 3], [...tasks(0, 3), ...tasks(1, 3)])
    schedule.assign(0)
    for (const worker of [2, 3]) schedule.complete(worker, `0:${worker - 1}`, 0)
    for (const index of [3, 4]) schedule.add(task(1, index))
    schedule.assign(0)
    schedule.leave(1)
    expect(assigned(schedule)[0]).toMatch(/^[23] 0:0$/)
  })

  test('is ignored if it has never joined', () => {
    const schedule = createFilled(2, [1], tasks(0, 1))
    schedule.leave(9)
    expect(assigned(schedule)).toEqual(['1 0:0'])
  })
})

describe('for any history of tasks, workers and answers', () => {
  const command = fc.oneof(
    { weight: 2, arbitrary: fc.record({ type: fc.constant('add'), count: fc.integer({ min: 1, max: 6 }) }) },
    { weight: 2, arbitrary: fc.record({ type: fc.constant('join') }) },
    { weight: 1, arbitrary: fc.record({ type: fc.constant('leave'), worker: fc.nat(9) }) },
    { weight: 4, arbitrary: fc.record({ type: fc.constant('complete'), worker: fc.nat(9) }) },
    { weight: 3, arbitrary: fc.record({ type: fc.constant('assign') }) },
  ) as fc.Arbitrary<Parameters<ReturnType<typeof createScheduleModel>['run']>[0]>

  test('a task is pending or held by one worker, never lost or done twice, and assigned if there is room', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 3 }),
        fc.array(command, { maxLength: 80, size: 'max' }),
        (window, commands) => {
          const model = createScheduleModel(window)
          for (const each of commands) {
            model.run(each)
            model.check()
          }
          model.finish()
          expect(model.undone()).toEqual([])
        },
      ),
      { numRuns: 300 },
    )
  })
})
