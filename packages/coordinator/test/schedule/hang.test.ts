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

/** A worker that has taken so long for each of its tasks so far, of 25 samples, and has another one. */
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
  test('after a minute and a second for each sample, while its pace is unknown', () => {
    expect(hangLimitAfter([], task(0))).toBe(85_000)
    expect(hangLimitAfter([40, 10, 10, 10], task(4, 'evaluation', 250))).toBe(310_000)
  })

  test('after ten times what its task should take', () => {
    expect(hangLimitAfter([9000, 3000, 3000, 3000], task(4))).toBe(30_000)
    expect(hangLimitAfter([9000, 3000, 3000, 3000], task(4, 'gradient', 50))).toBe(60_000)
  })

  test('after 20 s where it is fast: that is no delay of a machine any more', () => {
    expect(hangLimitAfter([40, 10, 10, 10], task(4))).toBe(20_000)
  })
})

test('what a worker holds for longer than that goes to another one as well, whatever either says and however fast it is', () => {
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

test('a worker without a task, or that has gone, does not hang', () => {
  const schedule = createSchedule<Task>(2)
  schedule.join(1, 0)
  expect([schedule.hangLimitMs(1), schedule.hangLimitMs(2)]).toEqual([
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  ])
})
