import { expect, test } from 'vitest'
import { sliceOf } from '../src/slices.ts'

const slices = (elements: number, members: number) =>
  Array.from({ length: members }, (_, member) => {
    const { start, end } = sliceOf(elements, members, member)
    return [start, end]
  })

test('the slices of a group are as long as each other, rounded up to 16 elements, and the last takes what is left', () => {
  // A third of 100 are 33.3, of which three times 16 are the next.
  expect(slices(100, 3)).toEqual([
    [0, 48],
    [48, 96],
    [96, 100],
  ])
})

test('for some members nothing may be left', () => {
  expect(slices(33, 4)).toEqual([
    [0, 16],
    [16, 32],
    [32, 33],
    [33, 33],
  ])
})
