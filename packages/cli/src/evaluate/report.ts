import { formatNumber, formatPercent } from '../terminal/format.ts'
import { formatTable } from '../terminal/table.ts'

/** Counts of samples by true class (row) and predicted class (column). */
export type Confusion = readonly (readonly number[])[]

export type TestReport = {
  readonly loss: number
  readonly accuracy: number
  readonly count: number
  readonly classes: readonly ClassFigures[]
  readonly confusion: Confusion
}

export type ClassFigures = {
  readonly name: string
  readonly samples: number
  /** The fraction of this class's samples that were predicted as this class; null without samples. */
  readonly recall: number | null
  /** The fraction of samples predicted as this class that belong to it; null if there are none. */
  readonly precision: number | null
}

/** With more classes the matrix does not fit a terminal, and the report lists the most frequent confusions instead. */
const largestMatrix = 20
const listedConfusions = 15

export function countConfusion(labels: Uint8Array, predictions: Uint8Array, classes: number): Confusion {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0))
  for (const [index, label] of labels.entries()) counts[label]![predictions[index]!]! += 1
  return counts
}

export function classFigures(confusion: Confusion, names: readonly string[]): readonly ClassFigures[] {
  return names.map((name, index) => {
    const hits = confusion[index]![index]!
    const samples = sum(confusion[index]!)
    const taken = sum(confusion.map(row => row[index]!))
    return { name, samples, recall: ratio(hits, samples), precision: ratio(hits, taken) }
  })
}

export function describeReport(report: TestReport): string {
  const head = `test loss ${formatNumber(report.loss)}, test accuracy ${formatNumber(report.accuracy)} over ${report.count} samples`
  const { confusion, classes } = report
  const names = classes.map(figures => figures.name)
  const detail = names.length <= largestMatrix ? drawMatrix(confusion, names) : listConfusions(confusion, names)
  return [head, '', ...classTable(classes), '', ...detail, ''].join('\n')
}

function classTable(classes: readonly ClassFigures[]): string[] {
  const columns = ['samples', 'recall', 'precision'].map(title => ({ title, align: 'right' as const }))
  const rows = classes.map(({ name, samples, recall, precision }) => [
    name,
    String(samples),
    formatPercent(recall),
    formatPercent(precision),
  ])
  return formatTable([{ title: 'class' }, ...columns], rows)
}

function drawMatrix(confusion: Confusion, names: readonly string[]): string[] {
  const columns = names.map(name => ({ title: name.slice(0, 6), align: 'right' as const }))
  const rows = confusion.map((row, index) => [names[index]!, ...row.map(count => (count === 0 ? '·' : String(count)))])
  return ['true class by row, predicted class by column', ...formatTable([{ title: '' }, ...columns], rows)]
}

function listConfusions(confusion: Confusion, names: readonly string[]): string[] {
  const pairs = confusion.flatMap((row, label) =>
    row.map((count, predicted) => ({ count, label: names[label]!, predicted: names[predicted]! })),
  )
  const wrong = pairs.filter(pair => pair.label !== pair.predicted && pair.count > 0)
  wrong.sort((a, b) => b.count - a.count)
  const rows = wrong.slice(0, listedConfusions).map(({ count, label, predicted }) => [label, predicted, String(count)])
  return formatTable([{ title: 'most confused' }, { title: 'taken for' }, { title: 'times', align: 'right' }], rows)
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole
}
