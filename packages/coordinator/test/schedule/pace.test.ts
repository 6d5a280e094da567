import { describe, expect, test } from 'vitest'
import { isKnown, learnPace, type Pace } from '../../src/schedule/pace.ts'

const learnAll = (times: readonly number[]) => times.reduce<Pace | null>(learnPace, null)!

describe('the pace of a worker', () => {
  test('is known after three answers, by the quickest of them', () => {
    expect(isKnown(undefined)).toBe(false)
    expect(isKnown(learnAll([900, 12]))).toBe(false)
    expect(isKnown(learnAll([900, 12, 10]))).toBe(true)
    expect(learnAll([900, 12, 10])).toEqual({ answers: 3, meanMs: 10, deviationMs: 5 })
  })

  test('moves by a quarter of the difference with each answer', () => {
    // 10 + (14 − 10)/4 = 11 and 5 + (4 − 5)/4 = 4.75.
    expect(learnAll([10, 10, 10, 14])).toEqual({ answers: 4, meanMs: 11, deviationMs: 4.75 })
  })

  test('takes a stall as three times the mean at most', () => {
    // 10 + (30 − 10)/4 = 15.
    expect(learnAll([10, 10, 10, 60_000]).meanMs).toBe(15)
  })

  test('falls at once to an answer in less than half the time', () => {
    expect(learnAll([10, 10, 10, 4]).meanMs).toBe(4)
  })
})
