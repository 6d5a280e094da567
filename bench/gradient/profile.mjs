// Where the time of the compiled graphs goes, by operation.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { computeEnvironment } from '@lockstep/tensorflow'
import { kerasPython } from '../support/python.mjs'
import { threadLimits } from '../support/thread-limits.mjs'
import { cacheFolderOf } from './compilation.mjs'
import { pinTo } from './contestant-process.mjs'

const script = fileURLToPath(new URL('../baselines/gradient/profile_saved_model.py', import.meta.url))
const steps = 30

/** Fills `report.profiles` from the graphs that `measureCompilation` has left in `folder`, on one thread. */
export function profileGraphs({ models, contestants }, folder, report) {
  const python = kerasPython()
  if (python === null) {
    report.leftOut.push({ contestant: 'the profile', reason: 'TensorFlow for Python cannot be installed here' })
    return
  }
  for (const model of models) {
    for (const contestant of contestants.filter(({ id }) => id.startsWith('compiled'))) {
      const cacheFolder = cacheFolderOf(folder, model, contestant)
      const [key] = existsSync(cacheFolder) ? readdirSync(cacheFolder) : []
      if (key === undefined) continue
      process.stderr.write(`profiling ${model.name}, ${contestant.title}\n`)
      const profile = runProfile(python, [join(cacheFolder, key), 1, steps, model.classes])
      report.profiles.push({ model: model.name, contestant: contestant.id, batch: 50, threads: 1, ...profile })
    }
  }
}

function runProfile(python, args) {
  const [command, ...rest] = [...pinTo(1), python, script, ...args.map(String)]
  const env = { ...process.env, ...threadLimits(1), ...computeEnvironment(1) }
  const options = { encoding: 'utf8', env, stdio: ['ignore', 'pipe', 'pipe'] }
  return JSON.parse(execFileSync(command, rest, options).trim().split('\n').at(-1))
}
