import { expect, test } from 'vitest'
import { applyUpdate } from '../../src/optimizers/apply-update.ts'
import { createSgd } from '../../src/optimizers/sgd.ts'

test('the trainable weights take a step against the gradient, and the mean change is added to the others', () => {
  const optimizer = createSgd()
  const weights = Float32Array.of(1, 2, 10, 20)
  const update = Float32Array.of(4, -8, 0.5, -3)
  const state = applyUpdate({ optimizer, trainableSize: 2 }, weights, update, optimizer.initialState(2), 0.25)
  // 1 − 0.25 · 4, 2 + 0.25 · 8; 10 + 0.5, 20 − 3.
  expect([...weights]).toEqual([0, 4, 10.5, 17])
  expect([...update]).toEqual([4, -8, 0.5, -3])
  expect(state.step).toBe(1)
})
