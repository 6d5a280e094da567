import { describe, expect, test } from 'vitest'
import { createPhaseSums } from '../../src/timing/phase-sums.ts'

const phases = ['wait', 'work'] as const

describe('the sums of phases', () => {
  test('are means over the steps that count', () => {
    const sums = createPhaseSums(phases)
    sums.add([0, 0, 100, 1, 900], 0)
    sums.endStep(1000, false)
    sums.add([1000, 0, 2, 1, 8], 0)
    sums.endStep(10, true)
    sums.add([1010, 1, 9, 0, 3], 0)
    sums.endStep(12, true)
    // (2 + 3) / 2 and (8 + 9) / 2
    expect(sums.means()).toEqual({ steps: 2, stepMs: 11, phases: { wait: 2.5, work: 8.5 } })
  })

  test('of a step add up several intervals', () => {
    const sums = createPhaseSums(phases)
    sums.add([0, 0, 1, 1, 2], 0)
    sums.add([3, 1, 4], 0)
    expect(sums.ofStep()).toEqual({ wait: 1, work: 6 })
    sums.endStep(7, true)
    expect(sums.ofStep()).toEqual({ wait: 0, work: 0 })
  })

  test('leave out the time before a given moment', () => {
    const sums = createPhaseSums(phases)
    // Waits from 100 to 160, works to 170: 45 ms and 10 ms of it lie after 115.
    sums.add([100, 0, 60, 1, 10], 115)
    expect(sums.ofStep()).toEqual({ wait: 45, work: 10 })
    sums.add([100, 0, 60, 1, 10], 165)
    expect(sums.ofStep()).toEqual({ wait: 45, work: 15 })
    sums.add([100, 0, 60, 1, 10], 1000)
    expect(sums.ofStep()).toEqual({ wait: 45, work: 15 })
  })

  test('count a step without a report if a report follows later', () => {
    const sums = createPhaseSums(phases)
    sums.add([0, 1, 10], 0)
    sums.endStep(10, true)
    sums.endStep(10, true)
    sums.add([10, 0, 10, 1, 10], 0)
    sums.endStep(10, true)
    sums.endStep(10, true)
    // The second step was reported in the third, the fourth never: 10 + 20 ms over 3 steps.
    expect(sums.means()).toEqual({ steps: 3, stepMs: 10, phases: { wait: 3.333, work: 6.667 } })
  })

  test('are rounded to the microsecond', () => {
    const sums = createPhaseSums(phases)
    sums.add([0, 0, 1.23456, 1, 0.00049], 0)
    expect(sums.ofStep()).toEqual({ wait: 1.235, work: 0 })
  })

  test('are null before a step counts', () => {
    const sums = createPhaseSums(phases)
    sums.endStep(5, false)
    expect(sums.means()).toBeNull()
  })
})
