import { cifarClassNames, type DataSet, dataSetSha256 } from '@lockstep/data'
import { expect, test } from 'vitest'
import { describeDataSet, titleOf } from '../../src/data/describe-data-set.ts'

/** Black images with the given labels. */
function blackSet(name: DataSet['name'], classNames: readonly string[], labels: readonly number[]): DataSet {
  const split = { count: labels.length, pixels: new Uint8Array(labels.length * 3072), labels: Uint8Array.from(labels) }
  return { name, imageShape: [32, 32, 3], classNames, train: split, test: { ...split, count: 0 }, source: '/data' }
}

test('a data set is described by its source, its fingerprint and the samples of each class', () => {
  const dataSet = blackSet('synthetic', ['circle', 'ring'], [0, 1, 1])
  expect(describeDataSet(dataSet)).toEqual([
    'Synthetic shapes · 3 training and 0 test images · 2 classes',
    'source   /data',
    'images   32 × 32 × 3, one byte a channel',
    `SHA-256  ${dataSetSha256(dataSet)}`,
    '',
    'label  class   train  test',
    '    0  circle      1     1',
    '    1  ring        2     2',
  ])
})

test('only files with the official classes are called CIFAR', () => {
  expect(titleOf(blackSet('cifar10', cifarClassNames.cifar10, [0]))).toMatch(/^CIFAR-10 · 1 training/)
  expect(titleOf(blackSet('cifar100', cifarClassNames.cifar10, [0]))).toMatch(/^Files in the format of CIFAR-100 · /)
})
