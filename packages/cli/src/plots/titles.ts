import { modelTitle } from '@lockstep/protocol'
import type { RunRecord } from '../runs/run-record.ts'
import { formatAmount } from '../terminal/format.ts'
import { truncate } from '../terminal/style.ts'

const dataSetNames: Readonly<Record<string, string>> = {
  cifar10: 'CIFAR-10',
  cifar100: 'CIFAR-100',
  synthetic: 'the synthetic set',
}

const optimizerNames: Readonly<Record<string, string>> = { adam: 'Adam', sgd: 'SGD' }

/** The model and data set of a run: `reference net on CIFAR-10`. */
export function subjectOf(run: Pick<RunRecord, 'config'>): string {
  const { dataset, model } = run.config
  const title = modelTitle(model)
  const net = /net\d*$/.test(title) ? title : `${title} net`
  return `${net} on ${dataSetNames[dataset] ?? dataset}`
}

/** The approximate number of characters of a subtitle that fit in a chart's width. */
const subtitleLength = 94

/**
 * The settings and results of a run in one line, as far as they are recorded. A long name is cut, the figures are not.
 */
export function circumstancesOf(run: RunRecord): string {
  const { config, summary } = run
  const parts: string[] = []
  if (typeof config.batchSize === 'number') parts.push(`batch ${config.batchSize}`)
  if (typeof config.optimizer === 'string')
    parts.push(`${optimizerNames[config.optimizer] ?? config.optimizer} ${config.learningRate}`)
  if (summary !== null) parts.push(formatAmount(summary.workers, 'worker'))
  if (run.state !== 'completed') parts.push(run.state)
  if (summary?.test) parts.push(`test accuracy ${(summary.test.accuracy * 100).toFixed(1)} %`)
  const figures = parts.map(part => ` · ${part}`).join('')
  return `${truncate(run.name, subtitleLength - figures.length)}${figures}`
}
