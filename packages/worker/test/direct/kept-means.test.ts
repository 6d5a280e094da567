import { expect, test } from 'vitest'
import { createKeptMeans } from '../../src/direct/kept-means.ts'

const figures = (step: number) => ({ step, total: 1, correct: 0, lossSum: 0, learningRate: 0 })

test('after many means that were not read in time, only the memory that further ones need is kept', () => {
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
  // The one for step 20, and one of those five, for which no memory was left.
  expect(allocated).toBe(22)
})

test('the last two means are kept, and memory is reused once the computing thread has read it', () => {
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
  // Nothing has been applied yet, so every mean has its own memory and can still be found.
  expect(new Set(vectors).size).toBe(4)
  expect(means.find(0)?.mean).toBe(vectors[0])
  reached = 3
  means.keep(figures(4), means.take())
  expect([0, 1, 2, 3, 4].map(step => means.find(step) !== null)).toEqual([false, false, false, true, true])
  const again = new Set([means.take(), means.take(), means.take()])
  expect(again).toEqual(new Set(vectors.slice(0, 3)))
  // The last two are kept even when all means have been read.
  reached = 6
  means.keep(figures(5), means.take())
  expect([3, 4, 5].map(step => means.find(step) !== null)).toEqual([false, true, true])
})
