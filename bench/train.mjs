// Whole runs: images per second of lockstep beside Keras, PyTorch, PyTorch DDP and tfjs-node, interleaved, medians.
import { mkdirSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { temporaryFolder } from './support/lockstep.mjs'
import { readMachine } from './support/machine.mjs'
import { listContestants } from './train/contestants.mjs'
import { prepareData } from './train/data.mjs'
import { measureRuns } from './train/measure.mjs'
import { renderReport } from './train/report.mjs'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    'batch-size': { type: 'string', default: '50' },
    samples: { type: 'string', default: '10500' },
    epochs: { type: 'string', default: '2' },
    repeats: { type: 'string', default: '5' },
    only: { type: 'string', multiple: true, default: [] },
    precision: { type: 'string' },
    out: { type: 'string', default: fileURLToPath(new URL('results', import.meta.url)) },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  process.stdout.write(usage())
  process.exit()
}

const batch = Number(values['batch-size'])
if (batch % 2 !== 0) throw new Error(`--batch-size: two workers share it, so it is even; got ${values['batch-size']}`)
const settings = {
  batch,
  // Whole batches only: the last part of an epoch would be another graph to compile.
  samples: Math.floor(Number(values.samples) / batch) * batch,
  epochs: Number(values.epochs),
  repeats: Number(values.repeats),
}
const chosen = chooseContestants()
const folder = temporaryFolder('train')
const report = { measuredAt: new Date().toISOString(), machine: readMachine(), settings, versions: {}, leftOut: [] }
let complete = false
try {
  const data = await prepareData(folder)
  report.dataSource = data.dataSource
  complete = await measureRuns(chosen({ ...settings, folder, dataDir: data.dataDir }), settings.repeats, report)
} finally {
  await rm(folder, { recursive: true })
}
const text = renderReport(report)
mkdirSync(values.out, { recursive: true })
writeFileSync(join(values.out, 'train.md'), text)
writeFileSync(join(values.out, 'train.json'), `${JSON.stringify(report, undefined, 2)}\n`)
process.stdout.write(text)
if (!complete) process.exitCode = 1

/** By `--only` and `--precision`; names that nobody has end the benchmark. */
function chooseContestants() {
  const wanted = [...values.only.flatMap(list => list.split(',')), ...positionals]
  const known = new Set(listContestants(settings).map(({ name }) => name))
  const unknown = wanted.filter(name => !known.has(name))
  if (unknown.length > 0) throw new Error(`no contestant ${unknown.join(', ')}; there are ${[...known].join(', ')}`)
  const isWanted = ({ name, precision }) =>
    (wanted.length === 0 || wanted.includes(name)) && precision === (values.precision ?? precision)
  return given => listContestants(given).filter(isWanted)
}

function usage() {
  const names = [...new Set(listContestants({ batch: 50, samples: 10_500 }).map(({ name }) => name))]
  return `pnpm bench train [flags]

  --batch-size N      global batch, an even number (50)
  --samples N         training samples of an epoch, cut to whole batches (10500)
  --epochs N          measured epochs of a run, after 20 steps of warm-up (2)
  --repeats N         interleaved runs of each contestant (5)
  --only NAME…        of ${names.join(', ')} (all)
  --precision NAME    float32 or bfloat16 (both)
  --out DIR           folder of train.md and train.json (bench/results)
`
}
