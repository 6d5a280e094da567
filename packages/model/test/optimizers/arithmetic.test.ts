import { expect, test } from 'vitest'
import { createArithmetic, plainArithmetic } from '../../src/arithmetic/index.ts'
import { createOptimizer } from '../../src/optimizers/index.ts'
import { randomVector } from '../fixtures/random.ts'

const size = 1003
const kernel = { name: 'dense/kernel', shape: [900], size: 900, offset: 50 }
const layout = { trainableSize: size, entries: [kernel] }

test.each([
  { optimizer: 'adam', momentum: 0 },
  { optimizer: 'sgd', momentum: 0 },
  { optimizer: 'sgd', momentum: 0.9 },
] as const)('100 steps of $optimizer with momentum $momentum give the same bits in both arithmetics', config => {
  const wasm = createArithmetic({ capacityBytes: 1 << 16, kind: 'wasm' })
  const [fast, plain] = [wasm, plainArithmetic].map(arithmetic => {
    const optimizer = createOptimizer({ ...config, weightDecay: 0.1 }, layout, arithmetic)
    const weights = arithmetic.adopt(randomVector(size, 1, [-0.2, 0.2]))
    const gradient = arithmetic.allocate(size)
    let state = optimizer.initialState(size)
    for (let step = 0; step < 100; step++) {
      gradient.set(randomVector(size, step + 2, [-1, 1]))
      state = optimizer.apply(weights, gradient, state, 0.01)
    }
    return { weights, moments: state.moments }
  })
  expect(fast).toEqual(plain)
  // The page has room for all four vectors of 4,012 bytes, so the plain arithmetic computed nothing of this.
  expect(new Set([fast!.weights, ...fast!.moments].map(({ buffer }) => buffer)).size).toBe(1)
})
