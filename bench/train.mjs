// Whole runs: images per second of lockstep beside Keras, PyTorch, PyTorch DDP and tfjs-node, interleaved, medians.
import { rm } from 'node:fs/promises'
import { readFlags } from './support/flags.mjs'
import { temporaryFolder } from './support/lockstep.mjs'
import { readMachine } from './support/machine.mjs'
import { keepResults, outFlag } from './support/results.mjs'
import { listContestants } from './train/contestants.mjs'
import { prepareData } from './train/data.mjs'
import { measureRuns } from './train/measure.mjs'
import { renderReport } from './train/report.mjs'

const values = readFlags(
  {
    'batch-size': { value: 'N', help: 'global batch, an even number', usual: 50 },
    samples: { value: 'N', help: 'training samples of an epoch, cut to whole batches', usual: 10_500 },
    epochs: { value: 'N', help: 'measured epochs of a run, after 20 steps of warm-up', usual: 2 },
    repeats: { value: 'N', help: 'interleaved runs of each contestant', usual: 5 },
    only: { value: 'NAME…', help: `of ${namesOf({ batch: 50, samples: 10_500 }).join(', ')} (all)`, isRepeated: true },
    precision: { value: 'NAME', help: 'float32 or bfloat16 (both)' },
    out: outFlag,
  },
  { positionals: true },
)

const { 'batch-size': batch, epochs, repeats } = values
if (batch % 2 !== 0) throw new Error(`--batch-size: two workers share it, so it is even; got ${batch}`)
const settings = {
  batch,
  // Whole batches only: the last part of an epoch would be another graph to compile.
  samples: Math.floor(values.samples / batch) * batch,
  epochs,
  repeats,
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
keepResults(values.out, 'train', renderReport(report), report)
if (!complete) process.exitCode = 1

/** Contestants that differ only in precision have one name. */
function namesOf(given) {
  return [...new Set(listContestants(given).map(({ name }) => name))]
}

/** By `--only` and `--precision`; names that nobody has end the benchmark. */
function chooseContestants() {
  const wanted = [...values.only.flatMap(list => list.split(',')), ...values.positionals]
  const known = namesOf(settings)
  const unknown = wanted.filter(name => !known.includes(name))
  if (unknown.length > 0) throw new Error(`no contestant ${unknown.join(', ')}; there are ${known.join(', ')}`)
  const isWanted = ({ name, precision }) =>
    (wanted.length === 0 || wanted.includes(name)) && precision === (values.precision ?? precision)
  return given => listContestants(given).filter(isWanted)
}
