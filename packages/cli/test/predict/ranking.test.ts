import { expect, test } from 'vitest'
import { describePredictions, rankClasses } from '../../src/predict/ranking.ts'

const names = ['cat', 'dog', 'ship']

test('the most probable classes come first, and equal ones in the order of their labels', () => {
  const { classes } = rankClasses('a.png', Float32Array.of(0.25, 0.5, 0.25), names, 3)
  expect(classes.map(({ name }) => name)).toEqual(['dog', 'cat', 'ship'])
})

test('at most the requested number of classes is shown', () => {
  const probabilities = Float32Array.of(0.25, 0.5, 0.25)
  expect(rankClasses('a.png', probabilities, names, 1).classes).toEqual([{ name: 'dog', probability: 0.5 }])
  expect(rankClasses('a.png', probabilities, names, 9).classes).toHaveLength(3)
})

test('the table names each image once', () => {
  const one = rankClasses('first.png', Float32Array.of(0.125, 0.75, 0.125), names, 2)
  const two = rankClasses('2.png', Float32Array.of(0, 0, 1), names, 1)
  expect(describePredictions([one, two])).toBe(
    [
      'image      class  probability',
      'first.png  dog         75.0 %',
      '           cat         12.5 %',
      '2.png      ship       100.0 %',
      '',
    ].join('\n'),
  )
})
