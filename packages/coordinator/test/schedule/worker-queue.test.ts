import { expect, test } from 'vitest'
import type { Task } from '../../src/schedule/task.ts'
import { createQueue, isLateNewcomer, slackMs, type WorkerQueue } from '../../src/schedule/worker-queue.ts'

function taskOf(step: number, samples: number): Task {
  return { key: `${step}`, step, index: 0, kind: 'gradient', samples }
}

/** A worker that has taken `msPerSample` for each sample in three steps. */
function benchOf(workerId: number, msPerSample: number): WorkerQueue<Task> {
  const queue = createQueue<Task>(workerId, 0)
  for (const step of [0, 1, 2]) queue.paces.learn(taskOf(step, 10), 0, 10 * msPerSample)
  return queue
}

/** Gives the worker a task of 50 samples of the fourth step at time 0. */
function hold(queue: WorkerQueue<Task>): WorkerQueue<Task> {
  queue.held.set('3', { task: taskOf(3, 50), wanted: true, dueAtMs: 0 })
  return queue
}

test('a task has a slack of 20 ms, or of four times the deviation of all its samples if that is more', () => {
  const pace = { stretches: 3, meanMs: 10, learntAtMs: 0 }
  expect([0, 0.1, 1].map(deviationMs => slackMs({ ...pace, deviationMs }, 100))).toEqual([20, 40, 400])
})

test.each([
  // Ten times 50 samples.
  [10, 5000],
  [1, 1000],
])('a new worker beside one that takes %i ms per sample is late after %i ms', (msPerSample, limitMs) => {
  const newcomer = hold(createQueue<Task>(1, 0))
  const isLate = (nowMs: number) => isLateNewcomer(newcomer, [benchOf(2, msPerSample)], { nowMs, step: 3 })
  expect([isLate(limitMs), isLate(limitMs + 1)]).toEqual([false, true])
})

test('a worker whose pace is known is not a new one', () => {
  expect(isLateNewcomer(hold(benchOf(1, 10)), [benchOf(2, 10)], { nowMs: 3600_000, step: 3 })).toBe(false)
})
