import { describe, expect, test } from 'vitest'
import { createTimeline, forEachPiece, maxPieces, timesSchema } from '../../src/timing/timeline.ts'

const phases = ['wait', 'work', 'rest'] as const

function createTested(capacity?: number) {
  const clock = { nowMs: 100 }
  const timeline = createTimeline(phases, () => clock.nowMs, capacity)
  const spend = (phase: (typeof phases)[number], ms: number) => {
    const before = timeline.enter(phase)
    clock.nowMs += ms
    return before
  }
  return { ...timeline, clock, spend }
}

describe('a timeline', () => {
  test('counts every moment under the phase that it is in', () => {
    const { take, spend, clock } = createTested()
    clock.nowMs += 1
    spend('work', 5)
    spend('wait', 2)
    spend('rest', 3)
    expect(take()).toEqual([100, 0, 1, 1, 5, 0, 2, 2, 3])
  })

  test('continues in its phase after the times have been taken', () => {
    const { take, spend, clock } = createTested()
    spend('work', 5)
    take()
    clock.nowMs += 4
    spend('wait', 1)
    expect(take()).toEqual([105, 1, 4, 0, 1])
  })

  test('returns the phase that it was in, so that a nested phase can restore it', () => {
    const { take, spend } = createTested()
    spend('work', 5)
    const before = spend('rest', 1)
    expect(before).toBe('work')
    spend(before, 2)
    expect(take()).toEqual([100, 0, 0, 1, 5, 2, 1, 1, 2])
  })

  test('joins a phase that is entered again into one piece', () => {
    const { take, spend } = createTested()
    spend('work', 1)
    spend('work', 2)
    expect(take()).toEqual([100, 0, 0, 1, 3])
  })

  test('keeps the sums of its phases when there is no room for more pieces', () => {
    // Room for 5 pieces, of which 3 are kept for phases that have none yet.
    const { take, spend } = createTested(5)
    for (let turn = 0; turn < 10; turn++) {
      spend('work', 3)
      spend('wait', 2)
    }
    spend('rest', 7)
    expect(take()).toEqual([100, 0, 20, 1, 30, 2, 7])
  })

  test('gives the start of each piece', () => {
    const pieces: number[][] = []
    forEachPiece([100, 0, 1, 1, 5], (...piece) => pieces.push(piece))
    expect(pieces).toEqual([
      [0, 100, 1],
      [1, 101, 5],
    ])
  })
})

describe('times in a message', () => {
  const accepts = (times: unknown) => timesSchema.safeParse(times).success

  test('are a start and pairs of phase and duration', () => {
    expect(accepts([5])).toBe(true)
    expect(accepts([5, 0, 1.5, 3, 8])).toBe(true)
    expect(accepts([5, ...Array.from({ length: maxPieces }, () => [1, 0.5]).flat()])).toBe(true)
  })

  test.each([
    ['no start', []],
    ['half a pair', [5, 0]],
    ['an unknown phase', [5, 6, 1]],
    ['a fractional phase', [5, 0.5, 1]],
    ['a negative duration', [5, 0, -1]],
    ['an infinite duration', [5, 0, Number.POSITIVE_INFINITY]],
    ['a duration of NaN', [5, 0, Number.NaN]],
    ['too many pieces', [5, ...Array.from({ length: maxPieces + 1 }, () => [1, 0.5]).flat()]],
  ])('are refused with %s', (_, times) => {
    expect(accepts(times)).toBe(false)
  })
})
