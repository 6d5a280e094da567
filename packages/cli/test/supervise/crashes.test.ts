import { expect, test } from 'vitest'
import { createCrashes } from '../../src/supervise/crashes.ts'

const create = () => createCrashes(() => 0.5)

test('a coordinator is restarted at once, then after growing pauses, at most five times', () => {
  const crashes = create()
  expect(Array.from({ length: 6 }, crashes.add)).toEqual([0, 500, 1000, 2000, 4000, null])
  expect(crashes.count()).toBe(6)
})

test('a new checkpoint resets the pauses', () => {
  const crashes = create()
  for (let crash = 0; crash < 5; crash++) crashes.add()
  crashes.advance()
  expect([crashes.add(), crashes.add()]).toEqual([0, 500])
})
