// How long a compiled engine takes to be ready, in a new process each time.
import { join } from 'node:path'
import { median } from '../support/statistics.mjs'
import { startProcess } from './contestant-process.mjs'

const batch = 50

/** Fills `report.compilation`: first with an empty cache folder, then with the folder filled by that. One thread. */
export async function measureCompilation({ models, contestants, compilations }, folder, report) {
  const compiled = contestants.filter(({ id }) => id.startsWith('compiled'))
  const pairs = models.flatMap(model => compiled.map(contestant => ({ model, contestant })))
  for (const [index, { contestant, model }] of pairs.entries()) {
    process.stderr.write(`[${index + 1}/${pairs.length}] compiling ${model.name}, ${contestant.title}\n`)
    try {
      report.compilation.push(await measureOne(contestant, model, compilations, folder))
    } catch (error) {
      // The measurement of steps will fail in the same way and list it as left out.
      process.stderr.write(`it does not compile: ${error.message}\n`)
    }
  }
}

async function measureOne(contestant, model, repeats, folder) {
  const runs = { cold: [], cached: [] }
  for (let repeat = 1; repeat <= repeats; repeat++) {
    const cacheFolder = cacheFolderOf(folder, model, contestant, repeat)
    runs.cold.push(await prepare(contestant, model, cacheFolder))
    runs.cached.push(await prepare(contestant, model, cacheFolder))
  }
  const medianOf = (kind, name) => median(runs[kind].map(run => run[name]))
  return {
    model: model.name,
    contestant: contestant.id,
    batch,
    coldMs: medianOf('cold', 'compileMs'),
    cachedMs: medianOf('cached', 'compileMs'),
    firstStepMs: medianOf('cached', 'firstStepMs'),
  }
}

/** The cache folder of a compilation. Right after it the folder contains only that graph. */
export function cacheFolderOf(folder, model, { id }, repeat = 1) {
  return join(folder, `${model.name}-${id}-${repeat}`)
}

async function prepare({ command }, { name, classes, parameters }, cacheFolder) {
  const { ask, end } = startProcess(command(1), 1)
  try {
    await ask({ do: 'hello' })
    return await ask({ do: 'prepare', model: name, batch, classes, parameters, cacheFolder })
  } finally {
    await end()
  }
}
