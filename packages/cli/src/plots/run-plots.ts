import { join } from 'node:path'
import { runFiles, writeAtomically, writeError } from '@lockstep/coordinator'
import { makeFolder } from '@lockstep/protocol'
import { readRun } from '../runs/read-run.ts'
import type { RunRecord } from '../runs/run-record.ts'
import type { Chart } from './chart.ts'
import { curveOf, type Metric } from './curves.ts'
import { drawChart } from './draw.ts'
import { circumstancesOf, subjectOf } from './titles.ts'

/** Charts by file name. */
export type NamedCharts = Readonly<Record<string, Chart>>

/**
 * Draws a run into the `plots` folder of its run folder: loss and accuracy over the epochs, of training and validation
 * together and of validation alone, and the learning rate at the end of each epoch, if it changes. A run without
 * validation gets the charts of training only, a run without a finished epoch none.
 * @returns the files written, an SVG and a PNG for each chart
 * Throws as `readRun` does, `disk-full` and `file-not-written`.
 */
export async function writeRunPlots(folder: string): Promise<readonly string[]> {
  return writeCharts(runCharts(await readRun(folder)), join(folder, runFiles.plots))
}

export function runCharts(run: RunRecord): NamedCharts {
  const charts = (['loss', 'accuracy'] as const).flatMap(metric => chartsOf(run, metric))
  return Object.fromEntries([...charts, ...learningRateChart(run)])
}

/** Draws the charts into a folder and writes each file atomically. */
export async function writeCharts(charts: NamedCharts, folder: string): Promise<readonly string[]> {
  if (Object.keys(charts).length === 0) return []
  makePlotsFolder(folder)
  const files: string[] = []
  for (const [name, chart] of Object.entries(charts)) {
    const { svg, png } = await drawChart(chart)
    const [svgFile, pngFile] = [join(folder, `${name}.svg`), join(folder, `${name}.png`)]
    await writeAtomically(svgFile, svg)
    await writeAtomically(pngFile, png)
    files.push(svgFile, pngFile)
  }
  return files
}

function makePlotsFolder(folder: string): void {
  try {
    makeFolder(folder)
  } catch (error) {
    throw writeError(folder, error)
  }
}

function chartsOf(run: RunRecord, metric: Metric): [string, Chart][] {
  const train = { name: 'train', points: curveOf(run.epochs, 'train', metric) }
  const validation = { name: 'validation', points: curveOf(run.epochs, 'validation', metric) }
  const common = { subtitle: circumstancesOf(run), metric } as const
  const subject = subjectOf(run)
  if (train.points.length === 0) return []
  if (validation.points.length === 0) {
    const title = `Training ${metric}: ${subject}`
    return [[metric, { ...common, title, curves: [train], best: train.name, names: 'none' }]]
  }
  const both = { title: `Training and validation ${metric}: ${subject}`, curves: [validation, train] }
  const alone = { title: `Validation ${metric}: ${subject}`, curves: [validation] }
  return [
    [metric, { ...common, ...both, best: validation.name, names: 'beside' }],
    [`validation-${metric}`, { ...common, ...alone, best: validation.name, names: 'none' }],
  ]
}

function learningRateChart(run: RunRecord): [string, Chart][] {
  const points = curveOf(run.epochs, 'train', 'learning-rate')
  if (new Set(points.map(({ value }) => value)).size < 2) return []
  const title = `Learning rate: ${subjectOf(run)}`
  const curves = [{ name: 'learning rate', points }]
  return [
    [
      'learning-rate',
      { title, subtitle: circumstancesOf(run), metric: 'learning-rate', curves, best: null, names: 'none' },
    ],
  ]
}
