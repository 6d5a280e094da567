import type { MessageOf } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { createMeanArrival } from '../../src/direct/mean-arrival.ts'

const slice = (start: number, length: number): MessageOf<'slice'> => ({
  type: 'slice',
  runId: 'r',
  step: 1,
  start,
  length,
  total: 50,
  lossSum: 2,
  correct: 9,
})

function arrivalOfTwo() {
  const mean = new Float32Array(5)
  const ranges = new Map([
    [1, { start: 0, end: 3 }],
    [2, { start: 3, end: 5 }],
  ])
  return { mean, arrival: createMeanArrival((start, elements) => mean.set(elements, start), ranges) }
}

describe('a mean that arrives in slices', () => {
  test('is whole once every worker has sent its slice', () => {
    const { mean, arrival } = arrivalOfTwo()
    expect(arrival.take(2, slice(3, 2), Float32Array.of(4, 5))).toBeNull()
    expect(arrival.take(1, slice(0, 2), Float32Array.of(1, 2))).toBeNull()
    expect(arrival.figures()).toBeNull()
    expect(arrival.take(1, slice(2, 1), Float32Array.of(3))).toBeNull()
    expect(arrival.figures()).toEqual({ total: 50, lossSum: 2, correct: 9 })
    expect(mean).toEqual(Float32Array.of(1, 2, 3, 4, 5))
  })

  test('rejects elements with more correct samples than there are samples', () => {
    const { mean, arrival } = arrivalOfTwo()
    const wrong = { ...slice(3, 2), correct: 51 }
    expect(arrival.take(2, wrong, Float32Array.of(4, 5))).toBe('51 of 50 samples correct')
    expect(mean).toEqual(new Float32Array(5))
    expect(arrival.take(2, { ...wrong, correct: 50 }, Float32Array.of(4, 5))).toBeNull()
  })

  test.each([
    ['of an unknown worker', 3, slice(0, 1)],
    ['of the slice of another worker', 1, slice(3, 1)],
    ['beyond the slice of the worker', 1, slice(0, 4)],
    ['that leave a gap', 1, slice(1, 2)],
  ])('rejects elements %s', (_, workerId, wrong) => {
    const { mean, arrival } = arrivalOfTwo()
    expect(arrival.take(workerId, wrong, new Float32Array(wrong.length).fill(7))).toMatch(
      /does not own or which are out of order/,
    )
    expect(mean).toEqual(new Float32Array(5))
  })
})
