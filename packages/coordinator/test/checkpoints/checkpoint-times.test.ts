import { describe, expect, test } from 'vitest'
import { createCheckpointTimes } from '../../src/checkpoints/checkpoint-times.ts'

const minuteMs = 60_000

/** Times on a clock that stands still until the test moves it. */
function createTested(options: { readonly everySteps?: number; readonly everyMs?: number }) {
  const clock = { nowMs: 5_000 }
  const times = createCheckpointTimes({ everySteps: 0, everyMs: 0, ...options, nowMs: () => clock.nowMs })
  return { clock, ...times }
}

describe('a checkpoint within an epoch', () => {
  test('is due every `everySteps` steps', () => {
    const { isDue } = createTested({ everySteps: 3 })
    expect([1, 2, 3, 4, 5, 6, 7].filter(isDue)).toEqual([3, 6])
  })

  test('is due at the first step that ends `everyMs` after the start of the run', () => {
    const { clock, isDue } = createTested({ everyMs: 10 * minuteMs })
    clock.nowMs += 10 * minuteMs - 1
    expect(isDue(7)).toBe(false)
    clock.nowMs += 1
    expect(isDue(7)).toBe(true)
    clock.nowMs += minuteMs
    expect(isDue(8)).toBe(true)
  })

  test('is due again `everyMs` after the last one was taken', () => {
    const { clock, isDue, taken } = createTested({ everyMs: 10 * minuteMs })
    clock.nowMs += 6 * minuteMs
    taken()
    clock.nowMs += 6 * minuteMs
    expect(isDue(8)).toBe(false)
    clock.nowMs += 4 * minuteMs
    expect(isDue(9)).toBe(true)
  })

  test('is due by steps or by time, whichever comes first', () => {
    const { clock, isDue } = createTested({ everySteps: 100, everyMs: minuteMs })
    expect([isDue(99), isDue(100)]).toEqual([false, true])
    clock.nowMs += minuteMs
    expect(isDue(101)).toBe(true)
  })

  test('is never due if neither interval is set', () => {
    const { clock, isDue } = createTested({})
    clock.nowMs += 1e9
    expect([0, 1, 100].some(isDue)).toBe(false)
  })
})
