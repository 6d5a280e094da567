import { modelTitle } from '@lockstep/protocol'
import type { RunRecord } from '../runs/run-folder.ts'

/** With more keys than this, naming them would say less than the names of the runs. */
const mostKeys = 2

/**
 * What tells runs apart, for each of them: the one or two configuration keys in which they differ, with their values,
 * such as `batchSize 50`. Where the configurations are equal and the worker counts are not, these. Empty otherwise.
 */
export function describeDifferences(runs: readonly RunRecord[]): readonly string[] {
  const configs = runs.map(run => run.config as Readonly<Record<string, unknown>>)
  const differing = differingKeys(configs)
  if (differing.length > mostKeys) return runs.map(() => '')
  if (differing.length > 0) return configs.map(config => differing.map(key => describe(key, config[key])).join(', '))
  const workers = runs.map(run => run.summary?.workers)
  return new Set(workers).size > 1 ? workers.map(count => `workers ${show(count)}`) : runs.map(() => '')
}

function differingKeys(configs: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  const keys = new Set(configs.flatMap(config => Object.keys(config)))
  return [...keys].filter(key => new Set(configs.map(config => JSON.stringify(config[key]))).size > 1)
}

function describe(key: string, value: unknown): string {
  return `${key} ${show(key === 'model' ? modelTitle(String(value)) : value)}`
}

function show(value: unknown): string {
  return value === undefined || value === null ? '–' : String(value)
}
