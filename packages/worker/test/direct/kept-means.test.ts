import { expect, test } from 'vitest'
import { createKeptMeans } from '../../src/direct/kept-means.ts'

const figures = (step: number) => ({ step, total: 1, correct: 0, lossSum: 0, learningRate: 0 })

test('of many means that were not read in time no more memory is kept than further ones take', () => {
  let [allocated, reached] = [0, 0]
  const means = createKeptMeans(
    () => new Float32Array(++allocated),
    () => reached,
  )
  for (let step = 0; step < 20; step++) means.keep(figures(step), means.take())
  expect(allocated).toBe(20)
  reached = 20
  means.keep(figures(20), means.take())
  for (let vector = 0; vector < 5; vector++) means.take()
  // The one before, and of those five the one for which there was none any more.
  expect(allocated).toBe(22)
})

test('the last two means are kept, and memory is used again once the computing thread is past it', () => {
  let reached = 0
  const means = createKeptMeans(
    () => new Float32Array(4),
    () => reached,
  )
  const vectors = [0, 1, 2, 3].map(step => {
    const mean = means.take()
    means.keep(figures(step), mean)
    return mean
  })
  // Nothing has been applied yet: every mean has memory of its own and is still to be had.
  expect(new Set(vectors).size).toBe(4)
  expect(means.find(0)?.mean).toBe(vectors[0])
  reached = 3
  means.keep(figures(4), means.take())
  expect([0, 1, 2, 3, 4].map(step => means.find(step) !== null)).toEqual([false, false, false, true, true])
  const again = new Set([means.take(), means.take(), means.take()])
  expect(again).toEqual(new Set(vectors.slice(0, 3)))
  // Also when all of them have been read.
  reached = 6
  means.keep(figures(5), means.take())
  expect([3, 4, 5].map(step => means.find(step) !== null)).toEqual([false, true, true])
})
