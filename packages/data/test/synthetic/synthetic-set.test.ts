import { beforeAll, expect, test } from 'vitest'
import type { DataSet } from '../../src/data-set.ts'
import { countPerClass } from '../../src/sheet/first-of-each-class.ts'
import { dataSetSha256 } from '../../src/split.ts'
import { coloredShapeSuperclasses, createColoredShapes, createShapes } from '../../src/synthetic/synthetic-set.ts'
import { accuracyOf, trainSoftmaxRegression } from '../support/softmax-regression.ts'

let shapes: DataSet

beforeAll(() => {
  shapes = createShapes()
})

test('the embedded data set has the expected bytes', () => {
  expect(dataSetSha256(shapes)).toBe('c2aabfbd0ffea95733502c039a7ebbde9a473233aed1762e5302972c5044eff6')
})

test('the embedded data set with a hundred classes has the expected bytes', () => {
  expect(dataSetSha256(createColoredShapes())).toBe('8de3a8475ca4cf4fe333ff2213ad83924e046c81fcdcd296f34bbadab0e7669f')
})

test('another seed gives other images with the same labels', () => {
  const other = createShapes(2)
  expect(Buffer.compare(other.test.pixels, shapes.test.pixels)).not.toBe(0)
  expect(Buffer.compare(other.test.labels, shapes.test.labels)).toBe(0)
})

test('all classes are equally frequent, also in the default validation part', () => {
  expect(countPerClass(shapes.train, 10)).toEqual(Array(10).fill(1500))
  expect(countPerClass(shapes.test, 10)).toEqual(Array(10).fill(300))
  const lastFifth = { ...shapes.train, labels: shapes.train.labels.subarray(12_000) }
  expect(countPerClass(lastFifth, 10)).toEqual(Array(10).fill(300))
})

test('no image occurs twice in the training and test sets', () => {
  const images = new Set<string>()
  for (const { count, pixels } of [shapes.train, shapes.test]) {
    for (let index = 0; index < count; index++) {
      images.add(Buffer.from(pixels.buffer, pixels.byteOffset + index * 3072, 64).toString('latin1'))
    }
  }
  expect(images.size).toBe(18_000)
})

test('classes 5n to 5n + 4 of the hundred form superclass n', () => {
  const { classNames } = createColoredShapes()
  expect([classNames.length, coloredShapeSuperclasses.length]).toEqual([100, 20])
  for (const [label, name] of classNames.entries()) {
    const shape = name.split(' ')[1]
    expect(coloredShapeSuperclasses[Math.floor(label / 5)]).toMatch(new RegExp(` ${shape}$`))
  }
  expect(coloredShapeSuperclasses.slice(0, 2)).toEqual(['warm circle', 'cool circle'])
})

test('softmax regression on the pixels stays below 30 % accuracy', () => {
  const weights = trainSoftmaxRegression(shapes.train, { classes: 10, epochs: 2, learningRate: 0.02 })
  const accuracy = accuracyOf(weights, shapes.test)
  // Chance is 0.1; it was 0.15 when the set was made.
  expect(accuracy).toBeGreaterThan(0.1)
  expect(accuracy).toBeLessThan(0.3)
})

test('softmax regression learns labels that single pixels encode', () => {
  const count = 1500
  const pixels = shapes.train.pixels.slice(0, count * 3072)
  const labels = shapes.train.labels.subarray(0, count)
  for (let index = 0; index < count; index++)
    pixels.fill(255, index * 3072 + labels[index]! * 96, index * 3072 + labels[index]! * 96 + 96)
  const told = { count, pixels, labels }
  const weights = trainSoftmaxRegression(told, { classes: 10, epochs: 3, learningRate: 0.02 })
  expect(accuracyOf(weights, told)).toBeGreaterThan(0.95)
})
