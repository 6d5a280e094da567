import { describe, expect, it } from 'vitest'
import { bestPoint, coincide, curveOf, formatValue } from '../../src/plots/curves.ts'
import { exampleEpochs, withoutValidation } from '../runs/example-runs.ts'

const epochs = exampleEpochs(8)

describe('a curve', () => {
  it('has the loss of each epoch, or the accuracy in percent', () => {
    expect(curveOf(epochs, 'validation', 'loss').slice(0, 2)).toEqual([
      { epoch: 1, value: 1.4 },
      { epoch: 2, value: 1.293 },
    ])
    expect(curveOf(epochs, 'validation', 'accuracy').map(point => point.value)).toEqual(
      epochs.map(epoch => epoch.validationAccuracy! * 100),
    )
  })

  it('is empty without validation', () => {
    expect(curveOf(withoutValidation(epochs), 'validation', 'loss')).toEqual([])
    expect(curveOf(withoutValidation(epochs), 'train', 'loss')).toHaveLength(8)
  })
})

describe('the best point', () => {
  const points = [3, 1, 2, 1, 3].map((value, index) => ({ epoch: index + 1, value }))

  it('is the first of the lowest losses and of the highest accuracies', () => {
    expect(bestPoint(points, 'loss')).toEqual({ epoch: 2, value: 1 })
    expect(bestPoint(points, 'accuracy')).toEqual({ epoch: 1, value: 3 })
  })

  it('is null without points', () => {
    expect(bestPoint([], 'loss')).toBeNull()
  })
})

describe('two curves coincide', () => {
  const [long, short] = [curveOf(epochs, 'train', 'loss'), curveOf(epochs.slice(0, 3), 'train', 'loss')]

  it('if they are equal at all epochs that both have', () => {
    expect(coincide(long, short)).toBe(true)
  })

  it('but not if one value differs or they share no epoch', () => {
    expect(coincide(long, [...short.slice(0, 2), { epoch: 3, value: 9 }])).toBe(false)
    expect(coincide(long.slice(3), short)).toBe(false)
  })
})

it('values are written with fixed decimals, accuracies in percent', () => {
  expect([formatValue(0.86591, 'loss'), formatValue(70.42, 'accuracy')]).toEqual(['0.8659', '70.4 %'])
})
