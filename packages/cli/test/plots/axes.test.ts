import { describe, expect, it } from 'vitest'
import { epochRange, epochTicks, spreadLabels, valueRange } from '../../src/plots/axes.ts'

describe('ticks of the epoch axis', () => {
  it.each([
    [1, [1]],
    [3, [1, 2, 3]],
    [11, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]],
    [12, [2, 4, 6, 8, 10, 12]],
    [30, [1, 5, 10, 15, 20, 25, 30]],
    [100, [1, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100]],
    [500, [1, 50, 100, 150, 200, 250, 300, 350, 400, 450, 500]],
  ])('are few, at whole epochs: %d epochs', (lastEpoch, ticks) => {
    expect(epochTicks(lastEpoch)).toEqual(ticks)
  })
})

describe('the range', () => {
  it('of epochs has a single epoch in its middle', () => {
    expect(epochRange(1)).toEqual([0, 2])
    expect(epochRange(20)).toEqual([1, 20])
  })

  it('of losses has room above for the label of the lowest', () => {
    // The values span 1: 4 % of it below, 12 % above.
    const [low, high] = valueRange([1.5, 1, 2], 'loss')
    expect(low).toBeCloseTo(0.96, 10)
    expect(high).toBeCloseTo(2.12, 10)
  })

  it('of accuracies has room below for the label of the highest', () => {
    // The values span 50.
    const [low, high] = valueRange([20, 70], 'accuracy')
    expect(low).toBeCloseTo(14, 10)
    expect(high).toBeCloseTo(72, 10)
  })

  it('of learning rates begins at zero', () => {
    expect(valueRange([0.5, 1], 'learning-rate')).toEqual([0, 1.04])
  })

  it('never goes below zero', () => {
    expect(valueRange([0.01, 3], 'loss')[0]).toBe(0)
    expect(valueRange([1, 80], 'accuracy')[0]).toBe(0)
  })

  it.each([0, 0.5, 2.3])('has a width around a single value: %d', value => {
    const [low, high] = valueRange([value, value], 'loss')
    expect(low).toBeLessThanOrEqual(value)
    expect(high).toBeGreaterThan(value)
  })
})

describe('labels', () => {
  it('do not move if there is room', () => {
    expect(spreadLabels([10, 50], 15)).toEqual([10, 50])
  })

  it('move apart by the same amount, in their order, if they would overlap', () => {
    // 4 apart and 10 needed: 3 each.
    expect(spreadLabels([54, 50], 10)).toEqual([57, 47])
  })
})
