// One gradient step: lockstep's engines beside Keras and PyTorch, by batch size and threads; where its time goes.
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { measureCompilation } from './gradient/compilation.mjs'
import { contestants } from './gradient/contestants.mjs'
import { measureSteps } from './gradient/measure.mjs'
import { describeModel, presets } from './gradient/models.mjs'
import { profileGraphs } from './gradient/profile.mjs'
import { renderReport } from './gradient/report.mjs'
import { readFlags } from './support/flags.mjs'
import { temporaryFolder } from './support/lockstep.mjs'
import { readMachine } from './support/machine.mjs'
import { keepResults, outFlag } from './support/results.mjs'

const values = readFlags({
  model: { value: 'LIST', help: 'nets', of: presets(), shown: 'all' },
  batch: { value: 'LIST', help: 'batch sizes (12,25,50,100,200; quick: 50)' },
  threads: { value: 'LIST', help: 'numbers of threads (1 and all cores; quick: 1)' },
  contestants: { value: 'LIST', help: 'contestants', of: contestants.map(({ id }) => id), shown: 'all' },
  repeats: { value: 'N', help: 'interleaved repeats of each contestant', usual: 5 },
  minutes: { value: 'N', help: 'time for the steps; steps per repeat follow from it (8; quick: 1.25)' },
  quick: { help: 'one batch size, one thread, few steps' },
  profile: { help: 'also profile the compiled graphs, by operation' },
  out: outFlag,
})

const settings = readSettings()
const folder = temporaryFolder('gradient')
const report = {
  measuredAt: new Date().toISOString(),
  machine: readMachine(),
  settings: { ...settings, models: settings.models.map(({ name, parameters }) => ({ name, parameters })) },
  versions: {},
  steps: [],
  leftOut: [],
  compilation: [],
  profiles: [],
}
try {
  await measureCompilation(settings, folder, report)
  if (values.profile) profileGraphs(settings, folder, report)
  await measureSteps(settings, folder, report)
} finally {
  await rm(folder, { recursive: true })
}
keepResults(values.out, 'gradient', renderReport(report), report)

function readSettings() {
  const { quick } = values
  const list = (text, usual) => text?.split(',') ?? usual
  const numbers = (text, usual) => list(text, usual).map(Number)
  const standard = contestants.filter(({ id }) => !quick || id !== 'pytorch-default-layout').map(({ id }) => id)
  const chosen = list(values.contestants, standard)
  return {
    models: list(values.model, presets()).map(describeModel),
    batches: numbers(values.batch, quick ? [50] : [12, 25, 50, 100, 200]),
    threads: numbers(values.threads, quick ? [1] : [...new Set([1, availableParallelism()])]),
    contestants: contestants.filter(({ id }) => chosen.includes(id)),
    repeats: values.repeats,
    compilations: quick ? 1 : 3,
    budgetMs: 60_000 * (values.minutes ?? (quick ? 1.25 : 8)),
  }
}
