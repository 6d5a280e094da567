import { assert, integer, property } from 'fast-check'
import { expect, test } from 'vitest'
import { batchRange, cutShards, stepsPerEpoch } from '../src/shards.ts'

test('the first shards are one sample larger if a batch does not divide evenly', () => {
  // 50 = 4 · 12 + 2
  expect(cutShards(50, 4)).toEqual([
    { start: 0, end: 13 },
    { start: 13, end: 26 },
    { start: 26, end: 38 },
    { start: 38, end: 50 },
  ])
})

test('the last shards are empty if a batch has fewer samples than shards', () => {
  expect(cutShards(2, 4)).toEqual([
    { start: 0, end: 1 },
    { start: 1, end: 2 },
    { start: 2, end: 2 },
    { start: 2, end: 2 },
  ])
})

test('shards follow one another without gap or overlap, and their sizes differ by at most one', () => {
  assert(
    property(integer({ min: 0, max: 10_000 }), integer({ min: 1, max: 300 }), (count, shards) => {
      const cut = cutShards(count, shards)
      const sizes = cut.map(({ start, end }) => end - start)
      expect(cut).toHaveLength(shards)
      expect(cut[0]?.start).toBe(0)
      expect(cut.at(-1)?.end).toBe(count)
      for (let i = 1; i < cut.length; i++) expect(cut[i]?.start).toBe(cut[i - 1]?.end)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
      expect(sizes).toEqual([...sizes].sort((a, b) => b - a))
    }),
  )
})

test('the batches of an epoch cover every position once, and the last one has the remainder', () => {
  // 103 = 2 · 50 + 3
  expect(stepsPerEpoch(103, 50)).toBe(3)
  expect([0, 1, 2].map(step => batchRange(103, 50, step))).toEqual([
    { start: 0, end: 50 },
    { start: 50, end: 100 },
    { start: 100, end: 103 },
  ])
})

test('an epoch that divides evenly does not end with an empty batch', () => {
  expect(stepsPerEpoch(100, 50)).toBe(2)
  expect(stepsPerEpoch(0, 50)).toBe(0)
})
