import { expect, test } from 'vitest'
import { createOptimizer } from '../../src/optimizers/index.ts'

test('the configuration chooses the optimizer and its learning rate', () => {
  const adam = createOptimizer({ optimizer: 'adam', learningRate: 0.25, momentum: 0 })
  const weights = new Float32Array([1])
  adam.apply(weights, new Float32Array([1]), adam.initialState(1))
  expect(adam.name).toBe('adam')
  expect(weights[0]).toBeCloseTo(0.75, 5)
})

test('sgd keeps a moment only where the configuration has momentum', () => {
  expect(createOptimizer({ optimizer: 'sgd', learningRate: 0.1, momentum: 0.9 }).momentCount).toBe(1)
  expect(createOptimizer({ optimizer: 'sgd', learningRate: 0.1, momentum: 0 }).momentCount).toBe(0)
})
