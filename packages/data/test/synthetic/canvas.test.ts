import { expect, test } from 'vitest'
import { createRandom } from '../../src/random.ts'
import { addNoise, paintGradient, paintShape } from '../../src/synthetic/canvas.ts'

const blank = () => new Uint8Array(32 * 32 * 3)
const red = (canvas: Uint8Array, x: number, y: number) => canvas[(y * 32 + x) * 3]!
const everywhere = () => true
const rightHalf = (u: number) => u >= 0

test('a gradient runs from one colour in a corner to the other colour in the opposite corner', () => {
  const canvas = blank()
  paintGradient(canvas, [0, 0, 0], [124, 124, 124], 1, 1)
  // Along the diagonal x + y grows from 0 to 62, so the colour is 124 · (x + y) / 62 = 2 (x + y).
  expect([red(canvas, 0, 0), red(canvas, 10, 5), red(canvas, 31, 31)]).toEqual([0, 30, 124])
})

test('a gradient runs in the other direction with a negative factor, and is constant with zero factors', () => {
  const canvas = blank()
  paintGradient(canvas, [0, 0, 0], [62, 62, 62], -1, 0)
  expect([red(canvas, 31, 9), red(canvas, 0, 9)]).toEqual([0, 62])
  paintGradient(canvas, [7, 7, 7], [99, 99, 99], 0, 0)
  expect([red(canvas, 0, 0), red(canvas, 31, 31)]).toEqual([7, 7])
})

test('a shape covers the pixels inside its radius and no others', () => {
  const canvas = blank()
  paintShape(canvas, everywhere, [200, 0, 0], { x: 40, y: 40, radius: 8, turn: 0 })
  // From (40 − 8) / 4 = pixel 8 to (40 + 8) / 4 = pixel 12.
  expect([red(canvas, 7, 10), red(canvas, 8, 10), red(canvas, 12, 12), red(canvas, 13, 10)]).toEqual([0, 200, 200, 0])
})

test('a pixel on an edge is covered in proportion to its points inside the shape', () => {
  const canvas = blank()
  // The edge is at x = 42 quarters, the middle of pixel 10, whose points lie at 41 and 43: half of them are inside.
  paintShape(canvas, rightHalf, [200, 0, 0], { x: 42, y: 42, radius: 16, turn: 0 })
  expect([red(canvas, 9, 10), red(canvas, 10, 10), red(canvas, 11, 10)]).toEqual([0, 100, 200])
})

test('a quarter turn moves the right half to the lower half', () => {
  const canvas = blank()
  paintShape(canvas, rightHalf, [200, 0, 0], { x: 40, y: 40, radius: 16, turn: 16 })
  expect([red(canvas, 7, 12), red(canvas, 12, 12), red(canvas, 12, 7)]).toEqual([200, 200, 0])
})

test('a shape can lie partly outside the canvas', () => {
  const canvas = blank()
  paintShape(canvas, everywhere, [200, 0, 0], { x: 0, y: 127, radius: 8, turn: 0 })
  expect([red(canvas, 0, 31), red(canvas, 2, 30), red(canvas, 3, 31), red(canvas, 31, 0)]).toEqual([200, 200, 0, 0])
})

test('noise spans its amplitude in both directions and has zero mean', () => {
  const canvas = blank().fill(128)
  addNoise(canvas, createRandom(1, 1), 12)
  expect([Math.min(...canvas), Math.max(...canvas)]).toEqual([116, 140])
  const mean = canvas.reduce((sum, value) => sum + value, 0) / canvas.length
  // Uniform over 25 values: standard deviation sqrt((25² − 1) / 12) = 7.2, of the mean of 3072 of them 0.13.
  expect(Math.abs(mean - 128)).toBeLessThan(0.65)
})

test('noise stops at black', () => {
  const canvas = blank()
  addNoise(canvas, createRandom(1, 1), 12)
  expect([Math.min(...canvas), Math.max(...canvas)]).toEqual([0, 12])
})
