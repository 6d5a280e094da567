import { expect, test } from 'vitest'
import { sliceOf } from '../src/slices.ts'

const slices = (elements: number, members: number) =>
  Array.from({ length: members }, (_, member) => {
    const { start, end } = sliceOf(elements, members, member)
    return [start, end]
  })

test('the slices of a group have equal length, a multiple of 16 elements, and the last one holds the rest', () => {
  // A third of 100 is 33.3, which is rounded up to 48.
  expect(slices(100, 3)).toEqual([
    [0, 48],
    [48, 96],
    [96, 100],
  ])
})

test('the slice of a member can be empty', () => {
  expect(slices(33, 4)).toEqual([
    [0, 16],
    [16, 32],
    [32, 33],
    [33, 33],
  ])
})
