import { describe, expect, test } from 'vitest'
import { createPaces } from '../../src/schedule/paces.ts'
import type { Task } from '../../src/schedule/task.ts'

const task = (step: number): Task => ({ key: `${step}`, step, index: 0, kind: 'gradient', samples: 1 })

/** The paces after steps in which a worker answered at these times since the start of the step. */
function learnSteps(steps: readonly (readonly number[])[], pauseMs = 5) {
  const paces = createPaces()
  let nowMs = 0
  for (const [step, times] of steps.entries()) {
    const beganMs = nowMs + pauseMs
    nowMs = beganMs
    for (const time of times) {
      paces.learn(task(step), nowMs, beganMs + time)
      nowMs = beganMs + time
    }
  }
  return { paces, mean: () => paces.known('gradient')!.meanMs, nowMs, next: steps.length }
}

const steady = learnSteps.bind(null, new Array(20).fill([10]))

describe('the pace of a worker', () => {
  test('is known after three steps, as the mean of all but the first', () => {
    expect(learnSteps([[900], [12]]).paces.known('gradient')).toBeNull()
    expect(learnSteps([[900], [12], [10]]).mean()).toBe(11)
  })

  test('is known separately for each kind of task', () => {
    expect(steady().paces.known('evaluation')).toBeNull()
  })

  test('moves by an eighth of the difference with each answer', () => {
    const { paces, mean, nowMs, next } = steady()
    paces.learn(task(next), nowMs + 5, nowMs + 23)
    // 10 + (18 − 10)/8
    expect(mean()).toBe(11)
    paces.learn(task(next), nowMs + 23, nowMs + 41)
    // 1 − (7/8)² = 15/64 of the way from 10 to 18.
    expect(mean()).toBe(10 + (8 * 15) / 64)
  })

  test('counts a stall as at most three times the mean', () => {
    const { paces, mean, nowMs, next } = steady()
    paces.learn(task(next), nowMs, nowMs + 60_000)
    // 10 + (30 − 10)/8
    expect(mean()).toBe(12.5)
  })

  test('is not distorted by answers that arrive together', () => {
    // Two tasks of 10 ms: the answer to the first one arrives with that to the second.
    const { mean } = learnSteps(new Array(20).fill([20, 20.001]))
    expect(mean()).toBeCloseTo(10, 2)
  })

  test('moves halfway to a faster answer after a long pause', () => {
    const { paces, mean, nowMs, next } = steady()
    paces.learn(task(next), nowMs + 5000, nowMs + 5004)
    expect(mean()).toBe(7)
  })
})
