import { expect, test } from 'vitest'
import { createFence } from '../src/fence.ts'

test('a worker accepts the same life again and later lives', () => {
  const fence = createFence()
  expect([1, 1, 2, 7, 7].map(life => fence({ runId: 'a', life }))).toEqual([null, null, null, null, null])
})

test('a worker refuses an earlier life of a run, even if it has worked for another run since', () => {
  const fence = createFence()
  expect(fence({ runId: 'a', life: 3 })).toBeNull()
  expect(fence({ runId: 'b', life: 1 })).toBeNull()
  expect(fence({ runId: 'a', life: 2 })).toBe('this worker has been welcomed to life 3 of the run, and this is life 2')
  expect(fence({ runId: 'a', life: 3 })).toBeNull()
})
