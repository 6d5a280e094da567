import { describe, expect, test } from 'vitest'
import { createSchedule } from '../../src/schedule/schedule.ts'
import type { Task } from '../../src/schedule/task.ts'

const task = (step: number, kind: Task['kind'] = 'gradient', samples = 25): Task => ({
  key: `${kind} ${step}`,
  step,
  index: 0,
  kind,
  samples,
})

/** The hang limit of a worker that has taken `tookMs` for its earlier tasks of 25 samples, and now holds `next`. */
function hangLimitAfter(tookMs: readonly number[], next: Task): number {
  const schedule = createSchedule<Task>(2)
  let nowMs = 0
  schedule.join(1, nowMs)
  for (const [step, ms] of tookMs.entries()) {
    schedule.add(task(step))
    schedule.assign(nowMs)
    nowMs += ms
    schedule.complete(1, task(step).key, nowMs)
  }
  schedule.add(next)
  schedule.assign(nowMs)
  return schedule.hangLimitMs(1)
}

describe('a worker hangs', () => {
  test('after 60 s plus 1 s for each sample while its pace is unknown', () => {
    expect(hangLimitAfter([], task(0))).toBe(85_000)
    expect(hangLimitAfter([40, 10, 10, 10], task(4, 'evaluation', 250))).toBe(310_000)
  })

  test('after ten times the expected duration of its task', () => {
    expect(hangLimitAfter([9000, 3000, 3000, 3000], task(4))).toBe(30_000)
    expect(hangLimitAfter([9000, 3000, 3000, 3000], task(4, 'gradient', 50))).toBe(60_000)
  })

  test('after 20 s if it is fast', () => {
    expect(hangLimitAfter([40, 10, 10, 10], task(4))).toBe(20_000)
  })
})

test('a task that a worker holds for longer than the hang limit is also sent to another worker', () => {
  const schedule = createSchedule<Task>(2)
  for (const workerId of [1, 2]) schedule.join(workerId, 0)
  schedule.add(task(0))
  expect(schedule.assign(0)).toMatchObject([{ workerId: 1 }])
  expect(schedule.speculate(85_000)).toEqual([])
  expect(schedule.speculate(85_001)).toMatchObject([{ workerId: 2, task: task(0) }])
  expect(schedule.speculate(200_000)).toEqual([])
  schedule.complete(2, task(0).key, 200_000)
  expect(schedule.find(1, task(0).key)).toBeNull()
})

test('a worker that has no task or has not joined does not hang', () => {
  const schedule = createSchedule<Task>(2)
  schedule.join(1, 0)
  expect([schedule.hangLimitMs(1), schedule.hangLimitMs(2)]).toEqual([
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  ])
})
