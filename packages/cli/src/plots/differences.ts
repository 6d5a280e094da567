import { modelTitle } from '@lockstep/protocol'
import type { RunRecord } from '../runs/run-record.ts'

type Config = Readonly<Record<string, unknown>>

/** If runs differ in more keys, their names say more than a list of the keys. */
const mostKeys = 2

/**
 * Describes for each run how it differs from the others: by one or two configuration keys and their values, such as
 * `batchSize 50`, or, if the configurations are equal, by the worker count if that differs. Empty otherwise.
 */
export function describeDifferences(runs: readonly RunRecord[]): readonly string[] {
  const configs = runs.map(run => run.config as Config)
  const differing = differingKeys(configs)
  if (differing.length > mostKeys) return runs.map(() => '')
  if (differing.length > 0) {
    const named = configs.map(nameModels(configs))
    return named.map(config => differing.map(key => `${key} ${show(config[key])}`).join(', '))
  }
  const workers = runs.map(run => run.summary?.workers)
  return new Set(workers).size > 1 ? workers.map(count => `workers ${show(count)}`) : runs.map(() => '')
}

function differingKeys(configs: readonly Config[]): readonly string[] {
  const keys = new Set(configs.flatMap(config => Object.keys(config)))
  return [...keys].filter(key => new Set(configs.map(config => JSON.stringify(config[key]))).size > 1)
}

/** Replaces the models of configurations by their titles, or keeps the paths if several files have the same title. */
function nameModels(configs: readonly Config[]): (config: Config) => Config {
  const models = [...new Set(configs.map(({ model }) => String(model)))]
  const titles = models.map(modelTitle)
  return config => {
    const title = modelTitle(String(config.model))
    const isShared = titles.filter(other => other === title).length > 1
    return isShared ? config : { ...config, model: title }
  }
}

function show(value: unknown): string {
  return value === undefined || value === null ? '–' : String(value)
}
