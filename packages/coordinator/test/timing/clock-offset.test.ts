import { createRandom } from '@lockstep/data'
import { describe, expect, test } from 'vitest'
import { createClockOffset } from '../../src/timing/clock-offset.ts'

/** An exchange with a clock that is ahead by `offsetMs`, sent at `sentMs` and held for 100 ms by the worker. */
const exchange = (offsetMs: number, sentMs: number, thereMs: number, backMs: number) => ({
  sentMs,
  receivedMs: sentMs + thereMs + offsetMs,
  answeredMs: sentMs + thereMs + 100 + offsetMs,
  arrivedMs: sentMs + thereMs + 100 + backMs,
})

describe('the offset of a clock', () => {
  test('is unknown before an exchange', () => {
    expect(createClockOffset().estimate(0)).toBeNull()
  })

  test('is exact if both directions take equally long', () => {
    const clock = createClockOffset()
    clock.add(exchange(5000, 10, 2, 2))
    // The round trip took 4 ms: the error is at most half of that.
    expect(clock.estimate(114)).toEqual({ offsetMs: 5000, errorMs: 2 })
  })

  test('is taken from the exchange with the least delay', () => {
    const clock = createClockOffset()
    clock.add(exchange(-300, 0, 30, 1))
    clock.add(exchange(-300, 400, 0.5, 0.5))
    clock.add(exchange(-300, 800, 1, 20))
    expect(clock.estimate(1000)?.offsetMs).toBe(-300)
  })

  test('follows a clock that drifts, since old exchanges count less', () => {
    const clock = createClockOffset()
    clock.add(exchange(0, 0, 0.1, 0.1))
    // An hour later the clock has gained 100 ms; the error of the old exchange has grown by 50e-6 · 3.6e6 = 180 ms.
    clock.add(exchange(100, 3_600_000, 3, 3))
    expect(clock.estimate(3_600_200)?.offsetMs).toBe(100)
  })

  test('forgets all but the most recent exchanges', () => {
    const clock = createClockOffset()
    clock.add(exchange(7, 0, 0, 0))
    for (let turn = 1; turn <= 16; turn++) clock.add(exchange(9, turn, 1, 1))
    expect(clock.estimate(20)?.offsetMs).toBe(9)
  })

  test.each([1, 2, 3])('is never off by more than its error bound, whatever the delays (seed %i)', seed => {
    const random = createRandom(seed, 0)
    const clock = createClockOffset()
    for (let turn = 0; turn < 200; turn++) {
      const [thereMs, backMs] = [random.below(5000) / 100, random.below(5000) / 100]
      // A clock that gains 30 ppm, which is within the drift allowed for.
      const { sentMs, ...rest } = exchange(1234 + 0.012 * turn, 400 * turn, thereMs, backMs)
      clock.add({ sentMs, ...rest })
      const { offsetMs, errorMs } = clock.estimate(rest.arrivedMs)!
      expect(Math.abs(offsetMs - (1234 + 0.012 * turn))).toBeLessThanOrEqual(errorMs + 1e-9)
    }
  })
})
