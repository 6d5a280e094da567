import { basename, resolve } from 'node:path'
import type { RunRecord } from '../runs/run-record.ts'
import { formatAmount } from '../terminal/format.ts'
import { truncate } from '../terminal/style.ts'
import type { Chart, Curve } from './chart.ts'
import { bestPoint, coincide, curveOf, formatValue, type Metric, type Sample } from './curves.ts'
import { describeDifferences } from './differences.ts'
import { type NamedCharts, writeCharts } from './run-plots.ts'
import { subjectOf } from './titles.ts'

/** The approximate number of characters of a name that fit in a chart's legend, with the best figure after it. */
const nameLength = 62

/**
 * Draws charts that overlay runs: of validation and training loss and accuracy, as far as the runs have them.
 * @returns the files written, an SVG and a PNG for each chart
 * Throws `disk-full` and `file-not-written`.
 */
export async function writeComparison(runs: readonly RunRecord[], outFolder: string): Promise<readonly string[]> {
  return writeCharts(comparisonCharts(runs), outFolder)
}

export function comparisonCharts(runs: readonly RunRecord[]): NamedCharts {
  const names = nameApart(runs)
  const charts = (['validation', 'train'] as const).flatMap(sample =>
    (['loss', 'accuracy'] as const).flatMap(metric => chartOf(runs, names, sample, metric)),
  )
  return Object.fromEntries(charts)
}

function chartOf(
  runs: readonly RunRecord[],
  names: readonly string[],
  sample: Sample,
  metric: Metric,
): [string, Chart][] {
  const curves = runs.flatMap((run, index) => curveOfRun(run, names[index] ?? run.name, sample, metric))
  if (curves.length === 0) return []
  const what = `${sample === 'train' ? 'Training' : 'Validation'} ${metric}`
  const chart: Chart = {
    title: `${what}: ${[...new Set(runs.map(subjectOf))].join(', ')}`,
    subtitle: describeMarks(curves, metric),
    metric,
    curves,
    best: 'all',
    names: 'below',
  }
  return [[`${sample}-${metric}`, chart]]
}

function describeMarks(curves: readonly Curve[], metric: Metric): string {
  const dots = `${formatAmount(curves.length, 'run')}; a dot marks the ${metric === 'loss' ? 'lowest' : 'highest'} point of each`
  const areEqual = curves.some((curve, index) =>
    curves.slice(0, index).some(other => coincide(other.points, curve.points)),
  )
  return areEqual ? `${dots}, stripes where runs are equal` : dots
}

function curveOfRun(run: RunRecord, name: string, sample: Sample, metric: Metric): Curve[] {
  const points = curveOf(run.epochs, sample, metric)
  const best = bestPoint(points, metric)
  if (best === null) return []
  return [{ name: `${name} · ${formatValue(best.value, metric)} at epoch ${best.epoch}`, points }]
}

/**
 * A unique name for each run: its own with the settings that distinguish it, else that of its folder, else that with a
 * number before it.
 */
function nameApart(runs: readonly RunRecord[]): readonly string[] {
  const differences = describeDifferences(runs)
  const folders = runs.map(run => basename(resolve(run.folder)))
  const numbered = folders.map((folder, index) => `${index + 1}: ${folder}`)
  const candidates = [runs.map(run => run.name), folders, numbered].map(names =>
    names.map((name, index) => truncate(differences[index] ? `${name} (${differences[index]})` : name, nameLength)),
  )
  return candidates.find(names => new Set(names).size === names.length) ?? numbered
}
