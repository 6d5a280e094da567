import { expect, test } from 'vitest'
import { type Confusion, classFigures, countConfusion, describeReport } from '../../src/evaluate/report.ts'

const matrixTitle = 'true class by row, predicted class by column'
const names = ['airplane', 'cat', 'dog']
const confusion = countConfusion(Uint8Array.of(0, 0, 1, 2), Uint8Array.of(0, 1, 1, 1), 3)

/** The lines of the report on these counts. */
function linesOf(confusion: Confusion, names: readonly string[]): string[] {
  const report = { loss: 1.25, accuracy: 0.5, count: 4, classes: classFigures(confusion, names), confusion }
  return describeReport(report).split('\n')
}

type Mistake = readonly [label: number, predicted: number, times: number]

/** The same for classes `c0`, `c1` and so on, each predicted correctly 99 times, with these mistakes. */
function linesOfMistakes(classes: number, mistakes: readonly Mistake[]): string[] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (const [index, row] of counts.entries()) row[index] = 99
  for (const [label, predicted, times] of mistakes) counts[label]![predicted] = times
  return linesOf(
    counts,
    counts.map((_, index) => `c${index}`),
  )
}

test('samples are counted by true class in rows and predicted class in columns', () => {
  expect(confusion).toEqual([
    [1, 1, 0],
    [0, 1, 0],
    [0, 1, 0],
  ])
})

test('recall is a share of the samples of a class, precision of its predictions, and both are null without any', () => {
  expect(classFigures(confusion, names)).toEqual([
    { name: 'airplane', samples: 2, recall: 1 / 2, precision: 1 },
    { name: 'cat', samples: 1, recall: 1, precision: 1 / 3 },
    { name: 'dog', samples: 1, recall: 0, precision: null },
  ])
  const catsOnly = countConfusion(Uint8Array.of(1), Uint8Array.of(1), 3)
  expect(classFigures(catsOnly, names)[0]).toEqual({ name: 'airplane', samples: 0, recall: null, precision: null })
})

test('the report has figures for each class and the matrix', () => {
  expect(linesOf(confusion, names)).toEqual([
    'test loss 1.2500, test accuracy 0.5000 over 4 samples',
    '',
    'class     samples   recall  precision',
    'airplane        2   50.0 %    100.0 %',
    'cat             1  100.0 %     33.3 %',
    'dog             1    0.0 %          –',
    '',
    matrixTitle,
    '          airpla  cat  dog',
    'airplane       1    1    ·',
    'cat            ·    1    ·',
    'dog            ·    1    ·',
    '',
  ])
})

test('beyond 20 classes the report lists the 15 most frequent mistakes instead of the matrix', () => {
  // Class 1 is taken for class 0 once, class 2 twice, and so on up to class 16.
  const mistakes = Array.from({ length: 16 }, (_, index): Mistake => [index + 1, 0, index + 1])
  const lines = linesOfMistakes(21, mistakes)
  const listed = lines.slice(lines.indexOf('most confused  taken for  times') + 1, -1)
  expect(listed.map(line => line.split(/ +/))).toEqual(
    Array.from({ length: 15 }, (_, index) => [`c${16 - index}`, 'c0', String(16 - index)]),
  )
  expect(lines).not.toContain(matrixTitle)
  expect(linesOfMistakes(20, mistakes)).toContain(matrixTitle)
})

test('classes that were never confused are not listed', () => {
  expect(linesOfMistakes(21, [[3, 7, 2]]).slice(-4)).toEqual([
    '',
    'most confused  taken for  times',
    'c3             c7             2',
    '',
  ])
})
