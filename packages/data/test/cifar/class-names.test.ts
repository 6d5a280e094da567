import { expect, test } from 'vitest'
import { cifarClassNames, parseClassNames } from '../../src/cifar/class-names.ts'

test('CIFAR-10 has ten names, in the order of its labels', () => {
  const { cifar10 } = cifarClassNames
  expect(cifar10).toEqual(['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'])
})

test('CIFAR-100 has a hundred different names, in alphabetical order', () => {
  const { cifar100 } = cifarClassNames
  expect(new Set(cifar100).size).toBe(100)
  expect([...cifar100].sort()).toEqual(cifar100)
  expect([0, 39, 99].map(label => cifar100[label])).toEqual(['apple', 'keyboard', 'worm'])
})

test('a file of names has one per line, with any line ending; blank lines and spaces around names are dropped', () => {
  expect(parseClassNames('cat\r\n dog\n\nfrog')).toEqual(['cat', 'dog', 'frog'])
})
