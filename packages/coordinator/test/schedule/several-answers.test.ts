import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createSchedule } from '../../src/schedule/schedule.ts'
import type { Task } from '../../src/schedule/task.ts'

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

describe('a task to which two answers are wanted', () => {
  test('goes to two workers', () => {
    const { add, assigned } = createWith(1, 2, 3)
    add(task(0, 0), 2)
    add(task(0, 1))
    expect(assigned()).toEqual(['1 0:0', '2 0:0', '3 0:1'])
  })

  test('waits for a second worker, while others go on', () => {
    const { add, assigned, join } = createWith(1)
    add(task(0, 0), 2)
    add(task(0, 1))
    expect(assigned()).toEqual(['1 0:0', '1 0:1'])
    join(2, 0)
    expect(assigned()).toEqual(['2 0:0'])
  })

  test('is not done with one answer, and not given to the same worker again', () => {
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

  test('is given to others, or to all again, when that is asked for', () => {
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

  test('is left to whoever may do it, though another one would be sooner', () => {
    const { add, assigned, answer, ask } = createWith(1, 2)
    for (let index = 0; index < 5; index++) add(task(0, index))
    assigned()
    answer(1, '0:0', 0)
    ask('0:0', 1, new Set([1]))
    // Worker 2 has its hands full, and worker 1 may not; what comes after is not held up.
    expect(assigned()).toEqual(['1 0:4'])
  })

  test('is wanted of nobody any more once it is withdrawn', () => {
    const { add, assigned, withdraw, find } = createWith(1)
    add(task(0, 0), 2)
    assigned()
    expect(withdraw('0:0', 0)).toEqual(task(0, 0))
    expect([find(1, '0:0'), assigned()]).toEqual([null, []])
  })

  test('has one worker more when a holder is late, and not two', () => {
    const { add, assign, answer, complete, copyLate, join } = createWith(1, 2, 3, 4)
    // Ten milliseconds for each of a few steps: then all four are known.
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
    expect(copyLate(nowMs).map(({ workerId }) => workerId)).toEqual([others[0]])
    expect(copyLate(nowMs)).toEqual([])
    answer(first!, '9:0', nowMs)
    join(5, nowMs)
    expect(assign(nowMs)).toEqual([])
  })
})

test('a worker that is still at a copy of a task that was over goes on with it when the task is asked for again', () => {
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

test('for any history each worker is asked once for a task, and as many as are wanted', () => {
  const command = fc.record({
    type: fc.constantFrom('add', 'join', 'leave', 'answer', 'answer', 'assign', 'assign', 'again'),
    nth: fc.nat(9),
    answers: fc.constantFrom(1, 2, 3),
  })
  fc.assert(
    fc.property(fc.array(command, { maxLength: 80, size: 'max' }), commands => {
      const schedule = createSchedule<Task>(2)
      const wanted = new Map<string, number>()
      /** Who has been asked since the last time that all were to be, and who has answered of them. */
      const asked = new Map<string, Set<number>>()
      const held = new Map<number, Set<string>>()
      let [step, workers] = [0, 0]
      const assign = () => {
        for (const {
          workerId,
          task: { key },
        } of schedule.assign(0)) {
          expect(asked.get(key)!.has(workerId)).toBe(false)
          asked.get(key)!.add(workerId)
          held.get(workerId)!.add(key)
          const holders = [...held.values()].filter(keys => keys.has(key)).length
          expect(holders).toBeLessThanOrEqual(wanted.get(key)!)
        }
      }
      const answerOne = (worker: number, key: string) => {
        held.get(worker)!.delete(key)
        const left = wanted.get(key)! - 1
        wanted.set(key, left)
        if (left > 0) return schedule.answer(worker, key, 0)
        schedule.complete(worker, key, 0)
        wanted.delete(key)
      }
      for (const { type, nth, answers } of commands) {
        const ids = [...held.keys()]
        const worker = ids[nth % Math.max(1, ids.length)]
        if (type === 'add') {
          const added = task(step++, 0)
          wanted.set(added.key, answers)
          asked.set(added.key, new Set())
          schedule.add(added, answers)
        } else if (type === 'join') {
          held.set(++workers, new Set())
          schedule.join(workers, 0)
        } else if (type === 'leave' && worker !== undefined) {
          held.delete(worker)
          schedule.leave(worker)
        } else if (type === 'answer' && worker !== undefined) {
          const [key] = held.get(worker)!
          if (key !== undefined && key === [...wanted.keys()][0]) answerOne(worker, key)
        } else if (type === 'again') {
          const [key] = wanted.keys()
          if (key === undefined) continue
          const holders = ids.filter(id => held.get(id)!.has(key))
          asked.set(key, new Set(holders))
          wanted.set(key, Math.max(1, holders.length, answers))
          schedule.ask(key, wanted.get(key)!, new Set())
        } else if (type === 'assign') assign()
      }
      // With three workers more everything gets done.
      for (let more = 0; more < 3; more++) {
        held.set(++workers, new Set())
        schedule.join(workers, 0)
      }
      for (let left = 1000; wanted.size > 0; left--) {
        expect(left).toBeGreaterThan(0)
        assign()
        const [key] = wanted.keys() as IterableIterator<string>
        const holder = [...held].find(([, keys]) => keys.has(key!))
        if (holder !== undefined) answerOne(holder[0], key!)
        else {
          held.set(++workers, new Set())
          schedule.join(workers, 0)
        }
      }
    }),
    { numRuns: 300 },
  )
})
