import { sliceOf } from '@lockstep/protocol'
import { describe, expect, test } from 'vitest'
import { cutPieces, maxPieceElements, outgoingPieces } from '../../src/direct/pieces.ts'

describe('the pieces of a vector', () => {
  test.each([
    [1, 2],
    [40, 3],
    [258_762, 2],
    [258_762, 16],
    [100_000, 7],
  ])('cover each of %i elements among %i members once', (elements, members) => {
    const owners = new Int32Array(elements).fill(-1)
    for (const { start, end, owner } of cutPieces(elements, members)) {
      expect(end - start).toBeLessThanOrEqual(maxPieceElements)
      expect(owners.subarray(start, end).every(before => before === -1)).toBe(true)
      owners.fill(owner, start, end)
    }
    for (let member = 0; member < members; member++) {
      const { start, end } = sliceOf(elements, members, member)
      expect(owners.subarray(start, end).every(owner => owner === member)).toBe(true)
    }
    expect(owners.includes(-1)).toBe(false)
  })

  test('are numbered in the order of their list', () => {
    expect(cutPieces(50_000, 3).map(piece => piece.index)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8])
  })

  test('go out from a member in rounds, to its neighbour first', () => {
    // Slices of 16,672, 16,672 and 16,656 elements: three rounds each, the last one short.
    const order = outgoingPieces(cutPieces(50_000, 3), 1, 3)
    expect(order.map(({ round, owner }) => [round, owner])).toEqual([
      [0, 2],
      [0, 0],
      [1, 2],
      [1, 0],
      [2, 2],
      [2, 0],
    ])
  })
})
