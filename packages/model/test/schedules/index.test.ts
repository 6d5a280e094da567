import { describe, expect, test } from 'vitest'
import { createSchedule, type ScheduleConfig } from '../../src/schedules/index.ts'

const stepsPerEpoch = 10

/** The rates of all steps of 10 epochs of 10 steps, at a learning rate of 0.1. */
function rates(changes: Partial<ScheduleConfig> = {}): number[] {
  const config = { schedule: 'constant', learningRate: 0.1, warmup: 0, epochs: 10, ...changes } as const
  const schedule = createSchedule(config, stepsPerEpoch)
  return Array.from({ length: config.epochs * stepsPerEpoch }, (_, step) => schedule(step))
}

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  expect(actual.length).toBe(expected.length)
  const errors = actual.map((rate, step) => Math.abs(rate - expected[step]!))
  expect(Math.max(...errors)).toBeLessThan(1e-15)
}

describe('the learning rate', () => {
  test('is constant without a schedule', () => {
    expect(new Set(rates())).toEqual(new Set([0.1]))
  })

  test('falls to a tenth after half the steps and to a hundredth after three quarters', () => {
    const steps = [0, 49, 50, 74, 75, 99].map(step => rates({ schedule: 'step' })[step])
    expect(steps).toEqual([0.1, 0.1, 0.01, 0.01, 0.001, 0.001])
  })

  test('falls in the middle of an epoch if that is half of the run', () => {
    const odd = rates({ schedule: 'step', epochs: 1 })
    // Half of 10 steps is 5; three quarters is 7.5, so the ninth step is the first beyond it.
    expect(odd).toEqual([0.1, 0.1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001])
  })

  test('follows half a cosine down to zero', () => {
    const expected = Array.from({ length: 100 }, (_, step) => 0.05 * (1 + Math.cos((Math.PI * step) / 100)))
    expectClose(rates({ schedule: 'cosine' }), expected)
  })

  test("follows PyTorch's OneCycleLR", () => {
    // total_steps=100, pct_start=0.3: the phases end with steps 0.3 · 100 − 1 and 99; div_factor=25,
    // final_div_factor=1e4.
    const anneal = (start: number, end: number, part: number) =>
      end + ((start - end) / 2) * (1 + Math.cos(Math.PI * part))
    const expected = Array.from({ length: 100 }, (_, step) =>
      step <= 29 ? anneal(0.004, 0.1, step / 29) : anneal(0.1, 0.004 / 1e4, (step - 29) / 70),
    )
    const actual = rates({ schedule: 'one-cycle' })
    expectClose(actual, expected)
    expect([actual[0], actual[29]]).toEqual([expect.closeTo(0.004, 15), expect.closeTo(0.1, 15)])
    expect(actual[99]).toBe(0.004 / 10_000)
  })

  test('is at its peak in a one-cycle run of a single step', () => {
    const schedule = createSchedule({ schedule: 'one-cycle', learningRate: 0.1, warmup: 0, epochs: 1 }, 1)
    expect(schedule(0)).toBe(0.1)
  })

  test('is positive in every step of a very short run', () => {
    for (const schedule of ['constant', 'step', 'cosine', 'one-cycle'] as const) {
      for (const epochs of [1, 2, 3, 4]) {
        const rate = createSchedule(
          { schedule, learningRate: 0.1, warmup: schedule === 'one-cycle' ? 0 : 0.5, epochs },
          1,
        )
        for (let step = 0; step < epochs; step++) expect(rate(step), schedule).toBeGreaterThan(0)
      }
    }
  })
})

describe('a warm-up', () => {
  test('rises in equal steps to the full learning rate', () => {
    // Half an epoch of 10 steps is 5 steps.
    const first = rates({ warmup: 0.5, learningRate: 1 }).slice(0, 7)
    expect(first).toEqual([0.2, 0.4, 0.6, 0.8, 1, 1, 1])
  })

  test('is rounded to a whole number of steps', () => {
    // Half of 5 steps is 2.5, rounded to 3; 0.24 of 10 is 2.4, rounded to 2.
    const half = createSchedule({ schedule: 'constant', learningRate: 3, warmup: 0.5, epochs: 1 }, 5)
    expect([0, 1, 2, 3].map(half)).toEqual([1, 2, 3, 3])
    expect(rates({ warmup: 0.24, learningRate: 2 }).slice(0, 3)).toEqual([1, 2, 2])
  })

  test('is followed by a cosine over the remaining steps', () => {
    const actual = rates({ warmup: 2, schedule: 'cosine' }).slice(20)
    const expected = Array.from({ length: 80 }, (_, step) => 0.05 * (1 + Math.cos((Math.PI * step) / 80)))
    expectClose(actual, expected)
  })

  test('does not move the drops of a step schedule', () => {
    const steps = [19, 20, 49, 50, 74, 75].map(step => rates({ warmup: 2, schedule: 'step' })[step])
    expect(steps).toEqual([0.1, 0.1, 0.1, 0.01, 0.01, 0.001])
  })

  test('that is longer than the run only rises', () => {
    expect(rates({ warmup: 20, schedule: 'cosine' }).at(-1)).toBe(0.05)
  })
})
