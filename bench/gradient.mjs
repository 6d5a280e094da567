// One gradient step: lockstep's engines beside Keras and PyTorch, by batch size and threads; where its time goes.
import { mkdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measureCompilation } from './gradient/compilation.mjs'
import { contestants } from './gradient/contestants.mjs'
import { measureSteps } from './gradient/measure.mjs'
import { describeModel, presets } from './gradient/models.mjs'
import { profileGraphs } from './gradient/profile.mjs'
import { renderReport } from './gradient/report.mjs'
import { temporaryFolder } from './support/lockstep.mjs'
import { readMachine } from './support/machine.mjs'

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    batch: { type: 'string' },
    threads: { type: 'string' },
    contestants: { type: 'string' },
    repeats: { type: 'string' },
    minutes: { type: 'string' },
    quick: { type: 'boolean', default: false },
    profile: { type: 'boolean', default: false },
    out: { type: 'string', default: fileURLToPath(new URL('results', import.meta.url)) },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(usage())
  process.exit()
}

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
const text = renderReport(report)
mkdirSync(values.out, { recursive: true })
writeFileSync(join(values.out, 'gradient.md'), text)
writeFileSync(join(values.out, 'gradient.json'), `${JSON.stringify(report, undefined, 2)}\n`)
process.stdout.write(text)

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
    repeats: Number(values.repeats ?? 5),
    compilations: quick ? 1 : 3,
    budgetMs: 60_000 * Number(values.minutes ?? (quick ? 1.25 : 8)),
  }
}

function usage() {
  const ids = contestants.map(({ id }) => id).join(',')
  return `pnpm bench gradient [flags]

  --model LIST        nets, such as reference,resnet20 (all presets)
  --batch LIST        batch sizes (12,25,50,100,200; quick: 50)
  --threads LIST      numbers of threads (1 and all cores; quick: 1)
  --contestants LIST  of ${ids} (all)
  --repeats N         interleaved repeats of each contestant (5)
  --minutes N         time for the steps; steps per repeat follow from it (8; quick: 1.25)
  --quick             one batch size, one thread, few steps
  --profile           also where the time of the compiled graphs goes, by operation
  --out DIR           folder of gradient.md and gradient.json (bench/results)
`
}
