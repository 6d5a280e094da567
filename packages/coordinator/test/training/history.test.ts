import { describe, expect, test } from 'vitest'
import { bestEpoch, isOutOfPatience } from '../../src/training/history.ts'
import { epochWith } from '../support/epoch-metrics.ts'

const epochs = (...losses: readonly number[]) =>
  losses.map((validationLoss, index) => epochWith(index + 1, { validationLoss }))

describe('the best epoch', () => {
  test('is the one with the lowest validation loss, the first of equals', () => {
    expect(bestEpoch(epochs(3, 1, 2, 1))?.epoch).toBe(2)
  })

  test('is the one with the lowest training loss if there is no validation', () => {
    const trained = [2, 1, 1.5].map((trainLoss, index) => epochWith(index + 1, { trainLoss, validationLoss: null }))
    expect(bestEpoch(trained)?.epoch).toBe(2)
  })

  test('is null before the first epoch', () => {
    expect(bestEpoch([])).toBeNull()
  })
})

describe('patience', () => {
  test('runs out when the best epoch is that many epochs ago', () => {
    expect(isOutOfPatience(epochs(3, 1, 2), 2)).toBe(false)
    expect(isOutOfPatience(epochs(3, 1, 2, 2), 2)).toBe(true)
  })

  test('starts anew with a better epoch', () => {
    expect(isOutOfPatience(epochs(3, 1, 2, 0.5), 2)).toBe(false)
  })

  test('does not count an equal loss as better', () => {
    expect(isOutOfPatience(epochs(1, 1), 1)).toBe(true)
  })

  test('never runs out when it is 0 or before the first epoch', () => {
    expect(isOutOfPatience(epochs(1, 2, 3, 4), 0)).toBe(false)
    expect(isOutOfPatience([], 1)).toBe(false)
  })
})
