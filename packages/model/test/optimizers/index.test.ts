import { expect, test } from 'vitest'
import type { LayoutEntry } from '../../src/layout.ts'
import { createOptimizer } from '../../src/optimizers/index.ts'

/** A kernel of two weights with its bias, another kernel of one, and a table that is not trained. */
const entries: readonly LayoutEntry[] = [
  { name: 'dense/kernel', shape: [2, 1], offset: 0, size: 2 },
  { name: 'dense/bias', shape: [1], offset: 2, size: 1 },
  { name: 'conv/kernel', shape: [1, 1, 1, 1], offset: 3, size: 1 },
  { name: 'table/values', shape: [1, 2], offset: 4, size: 2 },
]
const layout = { entries, trainableSize: 4 }

test('the configuration chooses the optimizer', () => {
  const common = { momentum: 0.9, weightDecay: 0 }
  expect(createOptimizer({ ...common, optimizer: 'adam' }, layout).name).toBe('adam')
  expect(createOptimizer({ ...common, optimizer: 'sgd' }, layout).name).toBe('sgd')
})

test('sgd keeps a moment only if the configuration has momentum', () => {
  const common = { optimizer: 'sgd', weightDecay: 0 } as const
  expect(createOptimizer({ ...common, momentum: 0.9 }, layout).momentCount).toBe(1)
  expect(createOptimizer({ ...common, momentum: 0 }, layout).momentCount).toBe(0)
})

test.each(['adam', 'sgd'] as const)('weight decay of %s shrinks kernels and not biases', name => {
  const optimizer = createOptimizer({ optimizer: name, momentum: 0.9, weightDecay: 0.25 }, layout)
  const weights = new Float32Array(4).fill(1)
  optimizer.apply(weights, new Float32Array(4), optimizer.initialState(4), 0.5)
  // Without a gradient a step only multiplies by 1 − 0.5 · 0.25.
  expect(Array.from(weights)).toEqual([0.875, 0.875, 1, 0.875])
})
